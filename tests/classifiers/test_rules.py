import re
from pathlib import Path

import pytest

from classifiers.rules import Rules, RulesError
from schemas.registry import Kind


def verdict_of(rules: str, template: str, app: str = "billing-api") -> str | None:
    verdict = Rules(rules).classify([Kind("0" * 16, app, template)])[0]
    return verdict.label if verdict else None


def test_the_first_rule_that_matches_decides() -> None:
    rules = "- {match: failed, label: app.error}\n- {match: settlement, label: service.job_failure}"
    assert verdict_of(rules, "settlement failed") == "app.error"
    assert verdict_of(rules, "settlement late") == "service.job_failure"
    assert verdict_of(rules, "all is well") is None


def test_a_rule_for_an_app_leaves_other_apps_alone() -> None:
    rules = "- {app: ^billing-, match: done, label: service.job_run}\n- {match: done, label: app.info}"
    assert verdict_of(rules, "done") == "service.job_run"
    assert verdict_of(rules, "done", app="shipping") == "app.info"


def test_patterns_see_the_masked_template() -> None:
    assert verdict_of(r"- {match: 'port <\*>$', label: network.connection}", "refused on port <*>") is not None


def test_the_order_holds_over_a_thousand_rules() -> None:
    rules = "\n".join(f"- {{match: 'word{i} ', label: app.info}}" for i in range(1000))
    rules += "\n- {match: 'word', label: app.error}"
    assert verdict_of(rules, "word999 is met") == "app.info"
    assert verdict_of(rules, "word1000 is not") == "app.error"


def test_a_rule_settles_the_kind_and_names_the_version_of_its_file() -> None:
    rules = Rules("- {match: x, label: app.info}")
    verdict = rules.classify([Kind("0" * 16, "", "x")])[0]
    assert verdict is not None
    assert (verdict.confidence, verdict.stage, verdict.settled) == (1.0, "rule", True)
    assert re.fullmatch(r"rules:[0-9a-f]{8}", verdict.model)
    assert Rules("- {match: y, label: app.info}").model != rules.model


def test_an_empty_file_is_no_rules() -> None:
    assert verdict_of("", "anything") is None


def test_everything_there_is_to_mend_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(
        "- match: ok\n  label: auth.login_failed\n- label: app.info\n- match: '(?=x)'\n  label: app.info\n"
        "- {match: x, lable: app.info}\n- just text\n"
    )
    with pytest.raises(RulesError) as caught:
        Rules.load(path)
    told = str(caught.value).splitlines()
    assert [line.split(": ")[0] for line in told] == [f"{path}:{n}" for n in (1, 3, 4, 6, 6, 7)]
    assert (
        "rule 1: label 'auth.login_failed' is not a leaf of the taxonomy; did you mean 'auth.login_failure'?" in told[0]
    )
    assert "rule 2: no `match`" in told[1]
    assert "rule 3: match: RE2 does not take '(?=x)'" in told[2]
    assert "rule 4: lable: no such key; did you mean label?" in told[3]
    assert "rule 5: a mapping with `match` and `label` would be right" in told[5]


@pytest.mark.parametrize(
    ("text", "told"),
    [("match: x", "rules:1: a list of rules"), ("- [", "not YAML"), ("- {match: [a], label: app.info}", "one line of")],
)
def test_what_is_no_list_of_rules_is_refused(text: str, told: str) -> None:
    with pytest.raises(RulesError, match=told):
        Rules(text)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RulesError, match=r"none\.yaml: No such file"):
        Rules.load(tmp_path / "none.yaml")
