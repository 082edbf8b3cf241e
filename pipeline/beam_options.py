"""Beam's options as they are given behind `--`: Beam swallows those it does not know, so they are checked here."""

import argparse
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from pipeline.settings_checks import near

OF_FLINK = (
    "allow_non_restored_state", "attached_mode", "auto_watermark_interval", "checkpoint_timeout_millis",
    "checkpointing_interval", "checkpointing_mode", "disable_metrics", "enable_stable_input_drain",
    "execution_mode_for_batch", "execution_retry_delay", "externalized_checkpoints_enabled",
    "fail_on_checkpointing_errors", "faster_copy", "files_to_stage", "finish_bundle_before_checkpointing",
    "flink_conf_dir", "force_slot_sharing_group", "force_unaligned_checkpoint_enabled", "job_check_interval_in_secs",
    "latency_tracking_interval", "max_bundle_size", "max_bundle_time_mills", "min_pause_between_checkpoints",
    "num_concurrent_checkpoints", "number_of_execution_retries", "object_reuse", "operator_chaining",
    "re_iterable_group_by_key_result", "report_checkpoint_duration",
    "retain_externalized_checkpoints_on_cancellation", "savepoint_path", "shutdown_sources_after_idle_ms",
    "state_backend", "state_backend_factory", "state_backend_storage_path", "tolerable_checkpoint_failure_number",
    "unaligned_checkpoint_enabled",
)  # fmt: skip
"""Options that only Flink's job server knows (Beam's FlinkPipelineOptions, in Python's spelling)."""


class BeamOptionError(Exception):
    """An option that is none of Beam's."""


def check(options: Sequence[str]) -> None:
    """Check that Beam or Flink's job server knows each option, and that each that needs a value has one.

    Raises:
        BeamOptionError: the message names the first that is wrong, and the nearest there is.
    """
    parser = _parser()
    known = {name.lstrip("-").replace("-", "_") for name in parser._option_string_actions} | set(OF_FLINK)
    for word in options:
        name = word.lstrip("-").partition("=")[0]
        if word.startswith("--") and name.removeprefix("no_").replace("-", "_") not in known:
            raise BeamOptionError(f"--{name}: Beam has no such option{near(name, known) or '; look it up in its docs'}")
    given = [w for w in options if w.lstrip("-").partition("=")[0].replace("-", "_") not in OF_FLINK]
    _, left = parser.parse_known_args(given)
    if left:
        raise BeamOptionError(f"{left[0]}: stands behind -- and belongs to no option; write --name=value")


def given(options: Sequence[str], name: str) -> str | None:
    """Give the value of an option as it stands on the command line, "" for one without; None: it is not there."""
    for i, word in enumerate(options):
        option, _, value = word.partition("=")
        if option.lstrip("-").replace("-", "_") == name:
            after = options[i + 1] if i + 1 < len(options) and not options[i + 1].startswith("--") else ""
            return value or after
    return None


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> Any:
        """Raise in place of printing the usage of two hundred options."""
        raise BeamOptionError(f"{message.removeprefix('argument ')}; as --name=value")


@cache
def _parser() -> argparse.ArgumentParser:
    """Make a parser of all options that Beam's classes declare."""
    import apache_beam.runners.portability.flink_runner  # noqa: F401 - declares its own
    from apache_beam.options.pipeline_options import PipelineOptions

    parser = _Parser(allow_abbrev=False, add_help=False, conflict_handler="resolve")
    for kind in dict.fromkeys(_below(PipelineOptions)):
        kind._add_argparse_args(_Lenient(parser))
    return parser


class _Lenient:
    """Takes what Beam's classes pass to a parser of Beam's own, which knows an argument more."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self._parser = parser

    def add_argument(self, *names: str, **how: Any) -> Any:
        """Declare an option."""
        return self._parser.add_argument(*names, **how)

    def add_value_provider_argument(self, *names: str, **how: Any) -> Any:
        """Declare an option whose value Beam may be given later."""
        return self._parser.add_argument(*names, **how)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._parser, name)


def _below(kind: Any) -> Iterator[Any]:
    for below in kind.__subclasses__():
        yield below
        yield from _below(below)
