"""Audits: raw lines drawn at random, what people say of them, and what becomes of the certificates they stand under."""

import hashlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from classifiers.drift import ALPHA, Audits
from connectors.lake import Lake
from connectors.lake.certificates import Certificates, Row
from connectors.privacy import EXAMPLES
from pipeline.certify_life import MAP, Standing, standings, withdraw
from pipeline.settings_precision import PrecisionSettings
from schemas.certificates import ISSUED, MIX, NOVEL, PEOPLE, VALID, WITHDRAWN
from schemas.policy import DOMAIN
from schemas.taxonomy import domain_of

DRAWN, ANSWERED = "drawn", "answered"
RAISED = 4
"""So many times as many lines are drawn once there was an alarm: what came instead is to be known soon."""

_COUNT = "SELECT count(*) FROM events WHERE cert_id IS NOT NULL AND ts > $since"
_SAMPLE = """
SELECT * FROM (
  SELECT source, source_offset, ordinal, template_id, app, message, label, cert_id
  FROM events WHERE cert_id IS NOT NULL AND ts > $since
) USING SAMPLE reservoir({n} ROWS) REPEATABLE ({seed})
"""
Ask = Callable[[str, Mapping[str, Any]], Any]
"""Asks the lake's catalog: SQL and parameters -> Arrow table."""


@dataclass(frozen=True)
class Watch:
    """How the audits of one certificate stand."""

    standing: Standing
    audits: Audits

    @property
    def proved(self) -> bool:
        """Whether audits by themselves prove the promise for today's stream."""
        return self.audits.trust >= 1.0 / max(self.standing.delta, 1e-9)


def draw_audits(lake: Lake, ask: Ask, n: int, since: datetime) -> list[Row]:
    """Draw n of the events that stand under a certificate, each with the same chance; they wait for answers.

    Args:
        since: events before are not drawn: the promise is about the stream of today.
    """
    total = int(ask(_COUNT, {"since": since}).column(0)[0].as_py())
    if not total:
        return []
    found = ask(_SAMPLE.format(n=n, seed=secrets.randbits(31)), {"since": since})
    masked = EXAMPLES.column(found.column("message").combine_chunks()).to_pylist()
    inclusion, now = min(1.0, n / total), datetime.now(UTC)
    rows = [
        row | {"audit_id": _id(row), "event": DRAWN, "at": now, "message": message, "inclusion": inclusion}
        for row, message in zip(found.to_pylist(), masked, strict=True)
    ]
    known = set(Certificates(lake.root).audits().column("audit_id").to_pylist())
    fresh = [row for row in rows if row["audit_id"] not in known]
    if fresh:
        Certificates(lake.root).note_audits(fresh)
    return fresh


def waiting(lake: Lake) -> list[Row]:
    """Give the audits that nobody has answered, oldest first."""
    rows = Certificates(lake.root).audits().to_pylist()
    done = {row["audit_id"] for row in rows if row["event"] == ANSWERED}
    return [row for row in rows if row["event"] == DRAWN and row["audit_id"] not in done]


def answer(lake: Lake, answers: Mapping[str, str], *, by: str) -> list[Row]:
    """Take answers: audit id -> label.

    Raises:
        CurateError: no such audit, label or name; nothing is taken then.
    """
    from pipeline.curate import known_label, named
    from pipeline.curate_find import CurateError

    named(by)
    open_ = {row["audit_id"]: row for row in waiting(lake)}
    depth = {one.cert_id: one.depth for one in standings(lake)}
    rows = []
    for told, label in answers.items():
        known_label(label)
        fits = [id_ for id_ in open_ if id_.startswith(told)]
        if len(fits) != 1:
            raise CurateError(
                f"{told}: {'no such audit' if not fits else 'several audits'} wait; `dioptre audit` lists them"
            )
        row = open_[fits[0]]
        said, mine = (domain_of(x) if depth.get(row["cert_id"]) == DOMAIN else x for x in (label, row["label"]))
        told_at = {"event": ANSWERED, "at": datetime.now(UTC), "said": label, "by": by, "wrong": said != mine}
        rows.append(row | told_at)
    if rows:
        Certificates(lake.root).note_audits(rows)
    return rows


def watches(lake: Lake, found: Sequence[Standing] | None = None) -> list[Watch]:
    """Give the audits of each certificate for new kinds, in the order they were answered."""
    by_cert: dict[str, list[bool]] = {}
    for row in Certificates(lake.root).audits().to_pylist():
        if row["event"] == ANSWERED:
            by_cert.setdefault(row["cert_id"], []).append(bool(row["wrong"]))
    mine = [one for one in (standings(lake) if found is None else found) if one.promise == NOVEL and one.cert_id]
    return [Watch(one, Audits.of(by_cert.get(one.cert_id or "", []), one.p)) for one in mine]


def follow_up(lake: Lake, settings: PrecisionSettings) -> tuple[list[Watch], list[Watch]]:
    """Withdraw certificates whose audits alarm, and write down what audits prove of today's stream.

    Returns:
        those withdrawn now, and those proved now.
    """
    found = standings(lake)
    held = [one for one in watches(lake, found) if one.standing.status == VALID]
    alarmed = [one for one in held if one.audits.alarmed]
    for one in alarmed:
        told = f"{one.audits.errors} of {one.audits.n} audited events are wrong"
        for same in found:
            if same.status == VALID and _claim(same) == _claim(one.standing):
                withdraw(lake, same, f"alarm: {told}, more than {1 - one.standing.p:.0%} (alpha {ALPHA})")
    mixed = {_claim(one) for one in found if one.promise == MIX and one.status == VALID}
    proved = [one for one in held if one.proved and not one.audits.alarmed and _claim(one.standing) not in mixed]
    if proved:
        Certificates(lake.root).note([_mix(one, settings) for one in proved])
    return alarmed, proved


def _claim(one: Standing) -> tuple[str, str]:
    return one.tier, one.domain


def alarms(found: Sequence[Standing]) -> list[Standing]:
    """Give the certificates that were withdrawn and not replaced."""
    return [one for one in found if one.status == WITHDRAWN and one.promise == NOVEL]


def size(lake: Lake, settings: PrecisionSettings) -> int:
    """Give how many lines to draw: more after an alarm."""
    return settings.audits * (RAISED if alarms(standings(lake)) else 1)


def _mix(one: Watch, settings: PrecisionSettings) -> Row:
    """Give the row of what audits prove."""
    now, held = datetime.now(UTC), one.standing
    row: Row = {name: getattr(held, name) for name in ("tier", "domain", "depth", "p", "delta")}
    row |= {"event": ISSUED, "at": now, "promise": MIX, "n": one.audits.n, "errors": one.audits.errors}
    row |= {
        "lower": held.p,
        "reference": PEOPLE,
        "cert_set": "",
        "valid_until": now + timedelta(days=settings.valid_days),
    }
    row |= {"frozen": [(name, value) for name, value in held.frozen.items() if name != MAP]}
    row |= {"reason": f"audits of {held.cert_id}: {one.audits.errors} of {one.audits.n} events are wrong"}
    return row | {"cert_id": hashlib.sha256(f"{held.cert_id} {now}".encode()).hexdigest()[:16], "thresholds": []}


def _id(row: Row) -> str:
    text = f"{row['source']} {row['source_offset']} {row['ordinal']}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]
