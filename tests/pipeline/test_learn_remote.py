"""Learning with a server that is asked last: when it is gone nothing waits for it, and nothing is forgotten."""

import time
from pathlib import Path

import pytest
from learn_kit import meet, new_lake, rows, tiny

from classifiers.remote import Limits, Remote
from classifiers.remote_http import Server
from pipeline.config import load
from pipeline.learn import Learner
from pipeline.learn_models import Models
from pipeline.learn_run import Masked, models_of, remote_of
from pipeline.learn_state import DEFERRED
from tests.classifiers.chat_server import chat, fails, says

LINES = [("plugh", "frobnicator wants its tea"), ("xyzzy", "grue ate the lantern")]


class Clock:
    def __init__(self) -> None:
        self.at = 0.0

    def now(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += seconds


def tea(_: object) -> tuple[int, dict[str, str], bytes]:
    return says({"evidence": "the" if "lantern" in str(_) else "tea", "label": "app.error"})


def test_a_dead_server_holds_nobody_up_and_its_kinds_are_asked_about_again_when_it_is_back(tmp_path: Path) -> None:
    lake, clock = new_lake(tmp_path / "lake"), Clock()
    keys = meet(lake, LINES)
    with chat(lambda _: fails(503)) as server:
        remote = Remote(Server(server.url), "qwen", Limits(), now=clock.now, sleep=clock.sleep)
        models = Models([tiny(), remote], floor=0.5, sure=1.01)
        learner = Learner(lake, lambda: None, lambda: models)
        began = time.monotonic()
        assert learner.once().published == 2
        assert time.monotonic() - began < 5.0
        waiting = rows(lake)
        assert {waiting[key]["reason"] for key in keys} == {DEFERRED}
        assert not any(waiting[key]["settled"] for key in keys)
        asked = len(server.requests)
        assert learner.once().published == 0
        assert len(server.requests) == asked
        clock.at += 3600.0
        assert learner.once().published == 0
        assert len(server.requests) > asked
        server.answer, clock.at = tea, clock.at + 3600.0
        assert learner.once().published == 2
        assert learner.once().published == 0
    found = rows(lake)
    assert {(found[key]["label"], found[key]["stage"], found[key]["settled"]) for key in keys} == {
        ("app.error", "remote", True)
    }


def test_what_was_asked_of_the_server_is_counted_with_its_tokens(tmp_path: Path) -> None:
    lake = new_lake(tmp_path / "lake")
    meet(lake, LINES)
    with chat(tea) as server:
        models = Models([tiny(), Remote(Server(server.url), "qwen")], floor=0.3, sure=1.01)
        learned = Learner(lake, lambda: None, lambda: models).once()
    assert learned.calls["remote"] == 2


def test_the_key_comes_from_the_environment_or_a_file_and_is_shown_nowhere(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("sk-123456\n")
    toml = tmp_path / "dioptre.toml"
    toml.write_text('[remote]\nurl = "http://localhost:1/v1"\nmodel = "m"\nkey_file = "key"\n')
    for config in (
        load(file=toml, env={}),
        load({"remote.url": "http://localhost:1/v1"}, env={"DIOPTRE_REMOTE_KEY": "sk-123456"}),
    ):
        assert config.settings.remote.key == "sk-123456"
        assert "sk-123456" not in repr(config.job()) + repr(list(config.values())) + repr(config.settings)
        assert "sk-123456" not in repr(remote_of(config.job())._server)


@pytest.mark.parametrize(
    "url", ["localhost:8000", "ftp://host/v1", "http://user:secret@host/v1", "http://host/v1?key=1"]
)
def test_a_url_that_is_none_or_holds_a_secret_is_refused(url: str, tmp_path: Path) -> None:
    from pipeline.config import ConfigError

    with pytest.raises(ConfigError, match="would be right"):
        load({"remote.url": url}, env={})


def test_nobody_is_asked_unless_a_server_is_named() -> None:
    job = load(env={}).job(stored=False)
    assert [stage.name for stage in models_of(None, job)._cascade.stages][-1] == "large"


def test_all_that_is_sent_is_masked_whatever_the_configuration_masks() -> None:
    mask = Masked(("squirrel[a-z]*",))
    told = mask("login user=alice from 10.1.2.3 mail bob@example.org password=hunter squirrels \udcff")
    for secret in ("alice", "10.1.2.3", "bob@", "hunter", "squirrel"):
        assert secret not in told
