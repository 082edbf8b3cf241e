"""Routes: the first that fits, the strictest of a kind's lines, and no certificate where none was given."""

import numpy as np
import pytest

from schemas.policy import COARSE, DOMAIN, FINE, LEAF, POOL, STANDARD, STRICT, Exits, Ladder, Policy, Route, Tier

COARSE_CERT = Exits(COARSE, {"tiny": 0.8}, "c")


def test_the_first_route_that_fits_holds_and_the_rest_takes_what_fits_none() -> None:
    policy = Policy(
        (Route(FINE, app="sshd*"), Route(STRICT, app="ssh*"), Route(STANDARD, domain="mail")), Route(COARSE)
    )
    assert policy.route("sshd-session").tier == FINE
    assert policy.route("ssh-agent").tier == STRICT
    assert policy.route("postfix", "mail").tier == STANDARD
    assert policy.route("postfix").tier == COARSE


def test_a_kind_takes_the_strictest_route_that_any_of_its_lines_takes() -> None:
    routes = (Route(STRICT, host="pay*"), Route(FINE, facility="local3"))
    places = {"a": (("pay1", "daemon"), ("web1", "local3")), "b": (("web1", "local3"),)}
    policy = Policy(routes, Route(COARSE), places=places)
    assert [policy.route_of(key, "httpd").tier for key in "abc"] == [STRICT, FINE, COARSE]
    assert policy.exits("httpd", key="b").tier == FINE


def test_a_certificate_holds_for_its_tier_its_domain_and_its_programs_alone() -> None:
    own = Exits(COARSE, {"tiny": 0.7}, "own")
    policy = Policy(
        (Route(COARSE, domain="auth"), Route(COARSE, domain="web"), Route(COARSE, domain="tls", missing=POOL)),
        Route(COARSE), {("coarse", ""): COARSE_CERT, ("coarse", "auth"): own}, apps=frozenset({"sshd"}),
    )  # fmt: skip
    assert policy.exits("sshd", "auth").cert_id == "own"
    assert policy.exits("sshd", "web") == Exits(COARSE), "no evidence of its own: it escalates"
    assert policy.exits("sshd", "tls").cert_id == "c", "it said that it would pool"
    assert policy.exits("sshd", "mail").cert_id == "c"
    assert policy.exits("nginx", "mail").cert_id is None


def test_what_ships_without_certificates_promises_nothing() -> None:
    policy = Policy.uncertified({"leaf": {"tiny": 0.9}})
    assert policy.exits("sshd") == Exits(STANDARD, {"tiny": 0.9})


def test_a_tier_and_a_ladder_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="domain or leaf would be right"):
        Tier("mine", "deep", 0.9)
    with pytest.raises(ValueError, match="not in"):
        Tier("mine", LEAF, 1.0)
    q, answer = np.zeros((2, 1)), np.zeros((2, 1), np.int64)
    with pytest.raises(ValueError, match="kind a stands twice"):
        Ladder(("tiny",), np.ones(1), {LEAF: q}, {LEAF: answer}, ("a", "a"))
    with pytest.raises(ValueError, match="would be right"):
        Ladder(("tiny", "large"), np.ones(2), {DOMAIN: q}, {DOMAIN: answer}, ("a", "b"))
