"""Fixtures that the tests of commands share."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from backfill_kit import LINES, archive
from cli_kit import copied, workplace


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with logs, a lake of them, a corpus and a config; not to be changed."""
    return workplace(tmp_path_factory.mktemp("place"))


@pytest.fixture
def here(place: Path) -> Iterator[Path]:
    """Work in that folder, without changing it."""
    with contextlib.chdir(place):
        yield place


@pytest.fixture
def own(place: Path, tmp_path: Path) -> Iterator[Path]:
    """Work in a copy of that folder."""
    with copied(place, tmp_path / "own") as folder:
        yield folder


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """A folder with the same number of lines in every codec: LINES in all."""
    archive(tmp_path / "logs", LINES // 5)
    return tmp_path / "logs"


@pytest.fixture(autouse=True)
def _no_config(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep the config of whoever runs the tests out of them."""
    for name in ("DIOPTRE_CONFIG", "NO_COLOR", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
