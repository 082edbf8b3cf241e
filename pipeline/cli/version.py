"""`dioptre version`: what is installed."""

from pipeline.cli.app import CARE, JsonOption, app, command
from pipeline.cli.output import emit_json, out


@command(app, "version", panel=CARE, examples=("dioptre version", "dioptre version --json"))
def version(json: JsonOption = False) -> None:
    """Print the version of dioptre."""
    from schemas.version import VERSION

    if json:
        emit_json({"version": VERSION})
    else:
        out(f"dioptre {VERSION}")
