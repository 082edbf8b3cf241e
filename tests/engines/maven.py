"""Fetch Java class paths from Maven's repository into the cache folder, once a version."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.engines.process import cache_folder, tool

SLF4J = "org.slf4j:slf4j-simple:1.7.36"
_POM = """<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>local</groupId><artifactId>fetch</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>{}</dependencies></project>
"""
_DEPENDENCY = "<dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version></dependency>"


def class_path(name: str, artifacts: Sequence[str]) -> str:
    """Class path of `group:artifact:version` artifacts, their dependencies, and a logger to standard error.

    `name` names the folder in the cache; it holds the version, so that versions live side by side.
    """
    jars = cache_folder() / name / "jars"
    if not jars.is_dir():
        _fetch(jars, [*artifacts, SLF4J])
    return f"{jars}/*"


def _fetch(jars: Path, artifacts: Sequence[str]) -> None:
    maven = tool("mvn", f"fetching {artifacts[0]}")
    aside = jars.parent / f"fetching-{os.getpid()}"
    aside.mkdir(parents=True)
    pom = aside / "pom.xml"
    pom.write_text(_POM.format("".join(_DEPENDENCY.format(*artifact.split(":")) for artifact in artifacts)))
    goal = ["dependency:copy-dependencies", f"-DoutputDirectory={aside / 'jars'}", "-DincludeScope=runtime"]
    done = subprocess.run([maven, "-q", "-B", "-f", str(pom), *goal], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"mvn could not fetch {', '.join(artifacts)}:\n{(done.stdout + done.stderr)[-2000:]}")
    if not jars.exists():  # another process may have been faster
        (aside / "jars").rename(jars)
    shutil.rmtree(aside)


def java(heap: str = "384m") -> list[str]:
    """Start of a command line for a small Java program that logs warnings and above to standard error."""
    found = tool("java", "Kafka and Flink")
    simple = "-Dorg.slf4j.simpleLogger."
    return [found, f"-Xmx{heap}", "-XX:+UseSerialGC", f"{simple}defaultLogLevel=info", f"{simple}showDateTime=true"]
