"""The files in deploy/ are sound as far as can be told without a daemon or a cluster."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.config import check

DEPLOY = Path(__file__).parents[2] / "deploy"
ROOT = DEPLOY.parent
MANIFESTS = sorted((DEPLOY / "k8s").rglob("*.yaml"))


def needs(tool: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not shutil.which(tool), reason=f"{tool} is not installed")


def manifests() -> list[dict[str, Any]]:
    return [part for path in MANIFESTS for part in yaml.safe_load_all(path.read_text())]


def compose() -> dict[str, Any]:
    services: dict[str, Any] = yaml.safe_load((DEPLOY / "compose" / "compose.yaml").read_text())["services"]
    return services


def containers(part: Any) -> list[dict[str, Any]]:
    """Every container of every pod anywhere in a manifest."""
    if isinstance(part, list):
        return [found for one in part for found in containers(one)]
    if not isinstance(part, dict):
        return []
    return part.get("containers", []) + [found for one in part.values() for found in containers(one)]


def run(*command: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **env})


@needs("docker-compose")
@pytest.mark.parametrize("profile", ["embedded", "flink"])
def test_compose_takes_the_file(profile: str) -> None:
    done = run("docker-compose", "-f", str(DEPLOY / "compose" / "compose.yaml"), "--profile", profile, "config", "-q")
    assert done.returncode == 0, done.stderr


def test_what_compose_mounts_and_builds_is_there() -> None:
    for name, service in compose().items():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (DEPLOY / "compose" / source).exists(), f"{name}: {source}"
        build = service.get("build")
        if isinstance(build, str):
            assert (DEPLOY / "compose" / build / "Dockerfile").is_file(), name
        elif build:
            assert (DEPLOY / "compose" / build["context"] / build["dockerfile"]).is_file(), name


def test_what_the_image_copies_is_there_and_let_through() -> None:
    let = {line[1:] for line in (DEPLOY / "docker" / "Dockerfile.dockerignore").read_text().split() if line[0] == "!"}
    copied = [
        word
        for line in (DEPLOY / "docker" / "Dockerfile").read_text().splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for word in line.split()[1:-1]
    ]
    assert copied
    for name in copied:
        assert (ROOT / name).exists()
        assert name in let or str(Path(name).parent) in let


def test_our_own_containers_run_without_root_and_write_only_where_something_is_mounted() -> None:
    own = [one for one in containers(manifests()) if one.get("image") == "dioptre"]
    assert len(own) == 3
    for one in own:
        security = one["securityContext"]
        assert security["runAsNonRoot"]
        assert security["readOnlyRootFilesystem"]
        assert not security["allowPrivilegeEscalation"]
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert {"/tmp", "/var/cache/dioptre"} <= {mount["mountPath"] for mount in one["volumeMounts"]}
    for name in ("dioptre", "workers", "stream-on-flink", "rsyslog", "generator"):
        assert compose()[name]["read_only"], name
        assert compose()[name]["cap_drop"] == ["ALL"], name


def test_every_volume_that_a_pod_mounts_is_declared() -> None:
    for path in MANIFESTS:
        for part in yaml.safe_load_all(path.read_text()):
            declared = {one["name"] for one in named(part, "volumes") + named(part, "volumeClaimTemplates")}
            mounted = {mount["name"] for one in containers(part) for mount in one.get("volumeMounts", [])}
            assert mounted <= declared, path


def named(part: Any, key: str) -> list[dict[str, Any]]:
    """The items of every list of that name in a manifest, with claims called as they are mounted."""
    if isinstance(part, list):
        return [found for one in part for found in named(one, key)]
    if not isinstance(part, dict):
        return []
    here = [{"name": one.get("name") or one["metadata"]["name"]} for one in part.get(key, [])]
    return here + [found for one in part.values() for found in named(one, key)]


def test_what_kustomize_names_is_there() -> None:
    for path in DEPLOY.rglob("kustomization.yaml"):
        made = yaml.safe_load(path.read_text())
        files = [name for one in made.get("configMapGenerator", []) for name in one["files"]]
        for name in made["resources"] + files:
            assert (path.parent / name).is_file(), f"{path}: {name}"


@needs("systemd-analyze")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    shutil.copytree(DEPLOY / "systemd", tmp_path, dirs_exist_ok=True)
    here = Path(shutil.which("true") or "/bin/true")
    for unit in tmp_path.glob("*.service"):  # where dioptre is not installed, any program will do
        unit.write_text(unit.read_text().replace("/opt/dioptre/bin/dioptre", str(here)))
    units = [str(path) for path in sorted(tmp_path.glob("*.service")) + sorted(tmp_path.glob("*.timer"))]
    done = run("systemd-analyze", "verify", "--man=no", *units, SYSTEMD_UNIT_PATH=f"{tmp_path}:")
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("config", sorted(DEPLOY.rglob("dioptre.toml")), ids=lambda path: path.parent.name)
def test_configurations_are_valid(config: Path) -> None:
    check(config)


@needs("shellcheck")
def test_shell_scripts_are_clean() -> None:
    done = run("shellcheck", *map(str, sorted(DEPLOY.rglob("*.sh"))))
    assert done.returncode == 0, done.stdout


def test_every_file_is_told_of_in_the_readme() -> None:
    told = (DEPLOY / "README.md").read_text()
    for path in sorted(DEPLOY.rglob("*")):
        if path.is_file() and path.name != "README.md" and not path.is_relative_to(DEPLOY / "sql"):
            inside = path.relative_to(DEPLOY)
            assert any(str(part) in told for part in (inside, *list(inside.parents)[:-1])), inside
