"""Committing: what is written when another run has been faster."""

import math
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
from learn_kit import meet

from connectors import archives
from connectors.formats.parse import parse
from connectors.lake import Lake, verify
from pipeline.curate_templates import mute
from pipeline.job import Job
from pipeline.transforms import commit, publish
from schemas.registry import Verdict

LINES = "<34>Oct 11 22:14:15 h app: alpha line here\n<34>Oct 11 22:14:15 h app: beta other\n<34>Oct 11 22:14:15 h app: gamma third\n"


def test_a_kind_met_in_a_batch_that_came_too_late_is_not_forgotten(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(LINES)
    lake = Lake.create(tmp_path / "lake")

    def batches(rows: int) -> Iterator[pa.RecordBatch]:
        found = archives.find([str(tmp_path / "a.log")]).archives
        for read in archives.plan(found, lake.chain, lake.range_size, now=math.inf).reads:
            yield from archives.read(read, batch_rows=rows, lake_chain=lake.chain, now=math.inf)

    slow, fast = Job(lake.root).labeller(), Job(lake.root).labeller()
    late = slow.label(parse(next(batches(3))))
    assert commit(lake, fast.label(parse(next(batches(1))))).events == 1
    assert commit(lake, late).events == 0
    assert sum(commit(lake, slow.label(parse(batch))).events for batch in batches(3)) == 2
    assert lake.kinds().num_rows == 3
    assert verify(lake).total.events == 3


def test_what_a_rule_says_of_a_kind_repeats_no_order_of_a_person(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path / "lake")
    (key,) = meet(lake, [("app", "alpha line here")])
    mute(lake, key, muted=True, by="ann", reason="seen it")
    publish(lake, {key: Verdict("web.access", 1.0, "rule", "rules:1", settled=True)})
    row = lake.published(1)[1][0].to_pylist()[0]
    assert (row["label"], row["ordered"], row["muted"]) == ("web.access", None, None)
    assert lake.kinds()["muted"].to_pylist() == [True]
