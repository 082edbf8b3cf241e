"""Beam's options as people type them: one that Beam would pass over in silence, or cannot do here, is refused."""

import argparse
import difflib
from collections.abc import Mapping, Sequence
from typing import NoReturn

from apache_beam.options.pipeline_options import PipelineOptions

FLINK = tuple(
    "--" + name
    for name in (
        "allow_non_restored_state attached_mode auto_watermark_interval checkpoint_timeout_millis"
        " checkpointing_interval checkpointing_mode disable_metrics enable_stable_input_draining"
        " execution_mode_for_batch execution_retry_delay externalized_checkpoints_enabled"
        " fail_on_checkpointing_errors faster_copy finish_bundle_before_checkpointing flink_conf_dir"
        " force_unaligned_checkpoint_enabled job_check_interval_in_secs latency_tracking_interval max_bundle_size"
        " max_bundle_time_mills min_pause_between_checkpoints num_concurrent_checkpoints"
        " number_of_execution_retries object_reuse operator_chaining"
        " retain_externalized_checkpoints_on_cancellation savepoint_path shutdown_sources_after_idle_ms"
        " state_backend state_backend_storage_path unaligned_checkpoint_enabled"
    ).split()
)
"""Options that only Flink's job server knows; Beam hands them on. Source: org.apache.beam FlinkPipelineOptions."""

BACKFILL: Mapping[str, str] = {
    "--runner": "archives are read by Beam's runner in this process, in as many processes as --workers says",
    "--direct_running_mode": "a backfill's processes are those of --workers",
    "--direct_num_workers": "a backfill's processes are those of --workers",
    "--streaming": "archives end; `dioptre stream` reads what does not",
}
"""Options that a backfill cannot take, and why."""


class BeamOptionError(Exception):
    """An option that Beam does not know, or that cannot work; one line, with what would be right."""


def checked(options: Sequence[str], refused: Mapping[str, str] | None = None) -> PipelineOptions:
    """Make Beam's options of words such as `--name=value`, or `--name` and `value`.

    Args:
        refused: option -> what is to be said of it.

    Raises:
        BeamOptionError: a word is no option of Beam, has a wrong value, or is refused.
    """
    for name in (word.partition("=")[0] for word in options):
        if name in (refused or {}):
            raise BeamOptionError(f"{name} is not for this command; {(refused or {})[name]}")
    parser = _parser()
    known = sorted({*parser._option_string_actions, *FLINK})
    _, left = parser.parse_known_args(list(options))
    for name in (word.partition("=")[0] for word in left):
        if name.startswith("-") and name not in FLINK:
            near = difflib.get_close_matches(name, known, 1)
            right = f"did you mean {near[0]}?" if near else "the options of a runner stand in Beam's documentation"
            raise BeamOptionError(f"{name} is not an option of Beam; {right}")
    return PipelineOptions(list(options))


class _Parser(argparse.ArgumentParser):
    """Raises what argparse would print before it exits."""

    def error(self, message: str) -> NoReturn:
        """Retell `argument --x: invalid int value: 'a'`."""
        raise BeamOptionError(f"Beam: {message}; --name=value is right")


def _parser() -> argparse.ArgumentParser:
    """A parser of every option that a class of Beam's adds; abbreviations are none."""
    parser = _Parser(add_help=False, allow_abbrev=False)
    for kind in {k.__name__: k for k in PipelineOptions.__subclasses__()}.values():
        kind._add_argparse_args(parser)
    return parser
