"""The group `dioptre lake`, and what its commands share: nothing is done that nobody agreed to."""

from pipeline.cli.app import group
from pipeline.cli.errors import CommandError

lake_app = group(
    "lake",
    "Look after a lake: what it holds, whether it is whole, mending it, and what is old.",
    examples=(
        "dioptre lake status --lake lake",
        "dioptre lake verify --lake lake",
        "dioptre lake repair --lake lake --dry-run",
    ),
)


def agreed(anything: bool, dry_run: bool, yes: bool, what: str) -> bool:
    """Decide whether to act: not on a dry run, and only if somebody said so.

    Raises:
        CommandError: it would act, and --yes is missing.
    """
    if anything and not dry_run and not yes:
        raise CommandError(f"{what}; this needs --yes", "--dry-run shows what would be done", code="needs_yes")
    return anything and not dry_run
