"""What a report asks of a lake: events over time, hosts, templates, rejects, clocks, speed. Each answer is small."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

Row = dict[str, Any]
Ask = Callable[[str, Mapping[str, Any]], list[Row]]
"""Asks the lake's catalog: SQL and its parameters -> rows."""

BINS = 72
"""Most bins of a picture: as many columns as are still told apart at half the width of a screen."""

HOSTS, TEMPLATES, NEW = 24, 25, 25
WIDTHS = (1, 5, 15, 60, 300, 900, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 86_400, 7 * 86_400, 30 * 86_400)
"""Widths of a bin, in seconds, that people read easily."""

_LEAST_SLACK = timedelta(hours=1)
_SPAN = """
SELECT count(*) AS events, min(ts) AS first, max(ts) AS last, quantile_disc(ts, [.005, .1, .995]) AS most,
  count(DISTINCT host) AS hosts, count(DISTINCT app) AS apps,
  count(*) FILTER (WHERE label = 'unknown') AS unknown, count(*) FILTER (WHERE cert_id IS NOT NULL) AS certified
FROM events WHERE ts >= $since AND ts <= $until
"""
_IN = "FROM events WHERE ts >= $first AND ts <= $last"
_BIN = "CAST((epoch_us(ts) - epoch_us($first)) // (CAST($width AS BIGINT) * 1000000) AS INTEGER)"
_DOMAINS = f"SELECT {_BIN} AS bin, domain, count(*) AS n {_IN} GROUP BY ALL"
_FIRST_SEEN = """
SELECT template_id, template, label, first_seen, n, hosts FROM template_stats
WHERE first_seen >= $first AND first_seen <= $last AND template IS NOT NULL ORDER BY first_seen
"""
_ERRORS = f"""
WITH found AS (
  SELECT coalesce(host, '(no host)') AS host, {_BIN} AS bin, count(*) AS n {_IN} AND level <= 3 GROUP BY ALL
)
SELECT * FROM found
WHERE host IN (SELECT host FROM found GROUP BY host ORDER BY sum(n) DESC, host LIMIT {HOSTS})
"""
_TOP = f"""
WITH top AS (
  SELECT template_id, count(*) AS n, min(ts) AS first_seen, max(ts) AS last_seen, any_value(level) AS level
  {_IN} AND template_id IS NOT NULL GROUP BY template_id ORDER BY n DESC, template_id LIMIT {TEMPLATES}
)
SELECT top.*, t.template, t.app, t.label, t.confidence, t.stage, t.cert_id
FROM top LEFT JOIN templates AS t USING (template_id) ORDER BY n DESC, template_id
"""
_SPARKS = f"""
SELECT template_id, {_BIN} AS bin, count(*) AS n {_IN} AND list_contains($ids, template_id) GROUP BY ALL
"""
_REJECTS = "SELECT reject_reason AS reason, count(*) AS n FROM rejects GROUP BY ALL ORDER BY n DESC, reason"
_CLOCKS = """
SELECT ts_quality AS quality, count(*) AS n, count(*) FILTER (WHERE ts > observed_ts + INTERVAL 1 DAY) AS ahead
FROM events WHERE ts >= $since AND ts <= $until GROUP BY ALL ORDER BY n DESC, quality
"""
_ISSUES = "SELECT issue, count(*) AS n FROM (SELECT unnest(issues) AS issue FROM events) GROUP BY ALL ORDER BY n DESC"
_LEDGER = """
SELECT stage, CAST(sum(events) AS BIGINT) AS events, CAST(sum(kinds) AS BIGINT) AS kinds,
  CAST(sum(exits) AS BIGINT) AS exits, CAST(sum(escalations) AS BIGINT) AS escalations,
  CAST(sum(deferred) AS BIGINT) AS deferred, sum(cpu_s) AS cpu_s, CAST(sum(tokens_in) AS BIGINT) AS tokens_in,
  CAST(sum(tokens_out) AS BIGINT) AS tokens_out,
  {measures}
FROM ledger GROUP BY stage
"""
MEASURES = ("wh", "gco2e", "litres", "money")
BANDS = ("_low", "", "_high")
_COEFFICIENTS = """
SELECT c.name, c.low, c.central, c.high, c.unit, c.source, s.currency
FROM coefficients AS c JOIN coefficient_sets AS s USING (id)
WHERE id = (SELECT arg_max(coefficients, hour) FROM ledger_rows)
"""
_STAGES = "SELECT stage, count(*) AS events FROM events WHERE ts >= $since AND ts <= $until GROUP BY ALL"
_KINDS = "SELECT stage, count(*) AS kinds, count(cert_id) AS certified FROM kinds GROUP BY ALL"
_DOMAIN_STATE = """
SELECT domain, count(*) AS kinds, count(cert_id) AS certified, count(*) FILTER (WHERE stage = 'person') AS by_people,
  avg(confidence) AS confidence
FROM templates GROUP BY ALL ORDER BY kinds DESC, domain
"""


def span(ask: Ask, since: datetime, until: datetime) -> Row:
    """Give how much there is, and from when to when; `first` and `last` leave out stamps far from all others."""
    found = ask(_SPAN, {"since": since, "until": until})[0]
    if not found["events"]:
        return found | {"outside": 0}
    low, tenth, high = found.pop("most")
    slack = max((high - low) * 1.5, _LEAST_SLACK)
    bounds = {"first": low - min(slack, low - far(past=True)), "last": high + min(slack, far(past=False) - high)}
    inside = ask(f"SELECT count(*) AS n, min(ts) AS first, max(ts) AS last {_IN}", bounds)[0]
    return found | {"outside": found["events"] - inside.pop("n"), "tenth": tenth, **inside}


def width_of(first: datetime, last: datetime) -> int:
    """Give the width of a bin, in seconds."""
    seconds = (last - first).total_seconds()
    return next((width for width in WIDTHS if seconds / width < BINS), int(seconds / BINS) + 1)


def pictures(ask: Ask, first: datetime, last: datetime) -> Row:
    """Give what the pictures over time show."""
    width = width_of(first, last)
    at = {"first": first, "last": last}
    binned = at | {"width": width}
    top = ask(_TOP, at)
    ids = [row["template_id"] for row in top]
    bins = int((last - first).total_seconds() // width) + 1
    return {
        "first": first, "width_s": width, "bins": bins, "domains": ask(_DOMAINS, binned),
        "first_seen": ask(_FIRST_SEEN, at), "errors": ask(_ERRORS, binned), "top": top,
        "sparks": ask(_SPARKS, binned | {"ids": ids}) if ids else [],
    }  # fmt: skip


def quality(ask: Ask, since: datetime, until: datetime) -> Row:
    """Give what was rejected, what is known of clocks, and what else was odd."""
    bounds = {"since": since, "until": until}
    return {"rejects": ask(_REJECTS, {}), "clocks": ask(_CLOCKS, bounds), "issues": ask(_ISSUES, {})[:12]}


def funnel(ask: Ask, since: datetime, until: datetime) -> Row:
    """Give what each stage labelled and took: of the events, of the kinds, and of the ledger."""
    bounds = {"since": since, "until": until}
    sums = ",\n  ".join(f"sum({m}{b}) AS {m}{b}" for m in MEASURES for b in BANDS)
    return {
        "events": ask(_STAGES, bounds), "kinds": ask(_KINDS, {}), "ledger": ask(_LEDGER.format(measures=sums), {}),
        "coefficients": ask(_COEFFICIENTS, {}),
    }  # fmt: skip


def domains(ask: Ask) -> list[Row]:
    """Give how much of each domain is certified."""
    return ask(_DOMAIN_STATE, {})


def far(past: bool) -> datetime:
    """Give a time that no event is before, or after."""
    return datetime(1, 1, 2, tzinfo=UTC) if past else datetime(9999, 12, 30, tzinfo=UTC)
