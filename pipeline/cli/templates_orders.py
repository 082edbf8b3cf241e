"""`dioptre templates merge, split, mute, unmute, add`: what people want of templates."""

from typing import Annotated

import typer

from pipeline.cli.app import DryRunOption, JsonOption, LakeOption, command
from pipeline.cli.curating import ByOption, ReasonOption, report, who
from pipeline.cli.labels import ID
from pipeline.cli.naming import root_of
from pipeline.cli.templates import templates


@command(
    templates, "merge",
    examples=(
        "dioptre templates merge 'invalid user' 'CMD' --lake lake --dry-run # needs two that say the same",
    ),
)  # fmt: skip
def merge(
    one: Annotated[str, ID],
    other: Annotated[str, ID],
    lake: LakeOption = None,
    into: Annotated[
        str | None,
        typer.Option("--into", metavar="TEXT", help="Text of the template, holes as <*>. [default: what both share]"),
    ] = None,
    reason: ReasonOption = "",
    by: ByOption = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Make two templates of one program one; other kinds that fit its text come along, now and later.

    A hole takes no word that tells what happened: Started and Paused never become one. Old ids stay alive.
    """
    from connectors.lake import Lake
    from pipeline.curate_templates import merge as make

    opened = Lake.open(root_of(lake))
    done = make(opened, one, other, into=into, by=who(by), reason=reason, dry_run=dry_run)
    report(opened, done, json=json, dry_run=dry_run, verb=("merged", "would merge"))


@command(
    templates, "split",
    examples=("dioptre templates split CMD --lake lake --dry-run # needs a template of several kinds",),
)  # fmt: skip
def split(
    template: Annotated[str, ID],
    lake: LakeOption = None,
    reason: ReasonOption = "",
    by: ByOption = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Take a template apart, in all history: events keep the key of their kind. It does not come back by learning."""
    from connectors.lake import Lake
    from pipeline.curate_templates import split as make

    opened = Lake.open(root_of(lake))
    done = make(opened, template, by=who(by), reason=reason, dry_run=dry_run)
    report(opened, done, json=json, dry_run=dry_run, verb=("split apart", "would split apart"))


@command(
    templates, "mute",
    examples=(
        "dioptre templates mute CMD --lake lake --reason 'cron, each hour' --by ann",
        "dioptre templates mute CMD --lake lake --off --by ann # show it again",
    ),
)  # fmt: skip
def mute(
    template: Annotated[str, ID],
    lake: LakeOption = None,
    off: Annotated[bool, typer.Option("--off", help="Show it again.")] = False,
    reason: ReasonOption = "",
    by: ByOption = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Leave a template out of `templates list` and of the view new_templates. Its events stay as they are."""
    from connectors.lake import Lake
    from pipeline.curate_templates import mute as make

    opened = Lake.open(root_of(lake))
    done = make(opened, template, muted=not off, by=who(by), reason=reason, dry_run=dry_run)
    verb = ("shows again", "would show again") if off else ("muted", "would mute")
    report(opened, done, json=json, dry_run=dry_run, verb=verb)


@command(
    templates, "add",
    examples=(
        "dioptre templates add 'settlement <*> posted' --app billing --label app.info --lake lake --by ann",
        "dioptre templates add 'settlement <*> late' --app billing --label app.error --lake lake --dry-run --json",
    ),
)  # fmt: skip
def add(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="Words with holes as <*>; or a line, to be masked.")],
    app: Annotated[str, typer.Option("--app", metavar="NAME", help="The program, as the header of a line tells it.")],
    label: Annotated[str, typer.Option("--label", metavar="LABEL", help="A leaf of the taxonomy, or unknown.")],
    lake: LakeOption = None,
    reason: ReasonOption = "",
    by: ByOption = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Write a template by hand with its label, before any line of it was met or after."""
    from connectors.lake import Lake
    from pipeline.curate_templates import add as make

    opened = Lake.open(root_of(lake))
    done = make(opened, text, app=app, label=label, by=who(by), reason=reason, dry_run=dry_run)
    report(opened, done, json=json, dry_run=dry_run, verb=("wrote", "would write"))
