"""Options of Beam are taken as typed, or refused in one line."""

import pytest

from pipeline.beam_options import BACKFILL, BeamOptionError, checked


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--runer=X"], "--runer is not an option of Beam; did you mean --runner?"),
        (["--temp_locatio", "/x"], "--temp_locatio is not an option of Beam; did you mean --temp_location?"),
        (["-x"], "-x is not an option of Beam; the options of a runner stand in Beam's documentation"),
        (
            ["--direct_num_workers=x"],
            "Beam: argument --direct_num_workers: invalid int value: 'x'; --name=value is right",
        ),
        (["--runner"], "Beam: argument --runner: expected one argument; --name=value is right"),
    ],
)
def test_what_beam_would_pass_over_is_refused(words: list[str], told: str) -> None:
    with pytest.raises(BeamOptionError) as caught:
        checked(words)
    assert str(caught.value) == told


@pytest.mark.parametrize("option", list(BACKFILL))
def test_what_cannot_work_in_a_backfill_is_refused_there_only(option: str) -> None:
    words = [option] if option == "--streaming" else [option, {"--direct_running_mode": "in_memory"}.get(option, "2")]
    checked(words)
    with pytest.raises(BeamOptionError, match=f"{option} is not for this command; .*"):
        checked(words, BACKFILL)


def test_what_beam_knows_is_taken_and_so_is_what_only_flinks_job_server_knows() -> None:
    words = ["--runner=FlinkRunner", "--checkpointing_interval=10000", "--parallelism", "3", "--experiments=a"]
    taken = checked(words).get_all_options()
    assert (taken["runner"], taken["parallelism"], taken["experiments"]) == ("FlinkRunner", 3, ["a"])
