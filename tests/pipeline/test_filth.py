"""A thousand odd records among twenty thousand good ones: all counts exact, conservation proved, no exception."""

import json
import random
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq

from connectors import archives
from connectors.formats.line import Context, parse_record
from connectors.formats.parse import parse
from connectors.lake import Lake, verify
from pipeline.job import Job
from pipeline.transforms import commit

CASES = Path(__file__).parent.parent / "connectors" / "cases" / "formats.jsonl"
GOOD = "<34>Nov 20 11:59:{:02d} web01 sshd[{}]: Failed password for root from 192.0.2.{} port {} ssh2"


def odd_records(chance: random.Random) -> list[bytes]:
    told = [json.loads(line) for line in CASES.read_text().splitlines()]
    cases = [case["line"].encode("utf-8", "surrogatepass") for case in told if isinstance(case.get("line"), str)]
    cases += [bytes([b]) * 3 + b" x" for b in range(256)]
    cases += [
        b'{"a":' * 5000 + b"1" + b"}" * 5000,
        b"\x00" * 70,
        b"x" * 70_000,
        b"",
        b" ",
        b"\xff" * 40,
        b"{}",
        b"[]",
        b"<0>",
    ]
    cases = [case for case in cases if b"\n" not in case]
    return [chance.choice(cases) for _ in range(1_000 - len(cases))] + cases


def test_a_thousand_odd_records_among_good_ones_are_all_accounted_for(tmp_path: Path) -> None:
    chance = random.Random(7)
    odd = odd_records(chance)
    assert len(odd) >= 1_000
    good = [GOOD.format(i % 60, i, i % 250, i).encode() for i in range(20_000)]
    lines = [*odd, *good]
    chance.shuffle(lines)
    path = tmp_path / "filth.log"
    path.write_bytes(b"\n".join(lines) + b"\n")
    now = int(datetime.now(UTC).timestamp() * 1_000_000)
    said = [parse_record(line[:65_536], Context(now, now, UTC)) for line in lines]
    rejects = sum(not isinstance(one, list) for one in said)
    events = sum(len(one) for one in said if isinstance(one, list))

    lake = Lake.create(tmp_path / "lake")
    job = Job(lake=lake.root)
    labeller = job.labeller()
    for read in archives.plan(archives.find([str(path)]).archives, lake.chain, lake.range_size).reads:
        for batch in archives.read(read, lake_chain=lake.chain):
            commit(lake, labeller.label(parse(batch)))

    proof = verify(lake, deep=True)
    assert proof.ok
    assert (proof.total.events, proof.total.rejects) == (events, rejects)
    segments = [s.path for source in lake.sources() for s in lake.chain(source).segments()]
    messages = [m for s in segments for m in pq.read_table(s, columns=["message"]).column("message").to_pylist()]
    assert sum(m.startswith("Failed password for root from") for m in messages) == len(good)
