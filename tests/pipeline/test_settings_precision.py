"""The dial is read from the configuration, and what cannot be is told with what would be right."""

from pathlib import Path

import pytest

from pipeline.config import ConfigError, check
from schemas.policy import ABSTAIN, ESCALATE, STRICT, Tier

GOOD = """
[precision]
tier = "coarse"
routes = [{ app = "sshd*", tier = "own" }, { host = "pay*", facility = "local3", need = "billing", missing = "abstain" }]
tiers = { own = { p = 0.97, depth = "domain" } }
needs = { billing = "strict" }
"""


def _file(folder: Path, text: str) -> Path:
    path = folder / "dioptre.toml"
    path.write_text(text)
    return path


def test_routes_lead_to_tiers_by_name_or_by_need(tmp_path: Path) -> None:
    policy = check(_file(tmp_path, GOOD)).settings.precision.policy()
    own = policy.route("sshd-session")
    assert (own.tier, own.missing) == (Tier("own", "domain", 0.97, thrifty=True), ESCALATE)
    paid = policy.route("httpd", host="pay1", facility="local3")
    assert (paid.tier, paid.missing, paid.need) == (STRICT, ABSTAIN, "billing")
    assert policy.route("httpd", host="web1", facility="local3").tier.name == "coarse"


def test_tiers_of_domains_are_thrifty_unless_told_and_those_of_leaves_are_not(tmp_path: Path) -> None:
    text = """[precision.tiers]
a = { p = 0.9, depth = "domain" }
b = { p = 0.9, depth = "domain", thrifty = false }
c = { p = 0.9 }
d = { p = 0.9, thrifty = true }
"""
    known = check(_file(tmp_path, text)).settings.precision.known_tiers()
    assert [known[name].thrifty for name in ("coarse", "standard", "a", "b", "c", "d")] == [1, 0, 1, 0, 0, 1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('tier = "fne"', "no such tier; did you mean fine?"),
        ('routes = [{ app = "x" }]', "route 1: either tier or need would be right"),
        ('routes = [{ need = "biling" }]', "did you mean billing?"),
        ('routes = [{ domain = "secuity", tier = "fine" }]', "did you mean security?"),
        ('routes = [{ facility = "locl3", tier = "fine" }]', "did you mean local3?"),
        ('needs = { billing = "strictest" }', "did you mean strict?"),
        ("tiers = { own = { p = 1.5 } }", "precision.tiers"),
    ],
)
def test_what_is_wrong_is_told_with_what_would_be_right(text: str, expected: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as found:
        check(_file(tmp_path, f"[precision]\n{text}\n"))
    assert expected in str(found.value)
