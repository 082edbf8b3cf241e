"""Options of Beam are taken as typed, or refused in one line."""

import pytest

from pipeline.beam_options import BACKFILL, BeamOptionError, checked


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--runer=X"], "--runer: Beam has no such option; did you mean runner?"),
        (["--temp_locatio", "/x"], "--temp_locatio: Beam has no such option; did you mean temp_location?"),
        (["stray"], "stray: stands behind -- and belongs to no option; write --name=value"),
        (["--direct_num_workers=x"], "--direct_num_workers: invalid int value: 'x'; as --name=value"),
        (["--runner"], "--runner: expected one argument; as --name=value"),
    ],
)
def test_what_beam_would_pass_over_is_refused(words: list[str], told: str) -> None:
    with pytest.raises(BeamOptionError) as caught:
        checked(words)
    assert str(caught.value) == told


@pytest.mark.parametrize("option", list(BACKFILL))
def test_what_cannot_work_in_a_backfill_is_refused_there_only(option: str) -> None:
    words = [f"--{option}", *{"direct_running_mode": ["multi_threading"], "direct_num_workers": ["2"]}.get(option, [])]
    checked(words)
    with pytest.raises(BeamOptionError, match=f"--{option}: not for this command; .*"):
        checked(words, BACKFILL)


def test_what_beam_knows_is_taken_and_so_is_what_only_flinks_job_server_knows() -> None:
    words = ["--runner=FlinkRunner", "--checkpointing_interval=10000", "--parallelism", "3", "--experiments=a"]
    taken = checked(words).get_all_options()
    assert (taken["runner"], taken["parallelism"], taken["experiments"]) == ("FlinkRunner", 3, ["a"])
