"""The view `certificates`: what is promised of labels, on what evidence, and whether it still holds."""

import duckdb

from connectors.catalog.ddl import comment_columns, quoted
from connectors.lake import Lake
from connectors.lake.certificates import Certificates
from schemas.certificates import CERTIFICATES

_VIEW = """
CREATE VIEW certificates AS
WITH
  told AS (
    SELECT *, event = 'issued' OR NOT bool_or(event = 'issued') OVER (PARTITION BY tier, domain, promise) AS counts
    FROM certificate_rows
    WHERE event IN ('issued', 'refused')
  ),
  latest AS (
    SELECT * FROM told WHERE counts
    QUALIFY row_number() OVER (PARTITION BY tier, domain, promise ORDER BY "at" DESC, cert_id) = 1
  ),
  gone AS (SELECT cert_id, max("at") AS withdrawn_at, arg_max(reason, "at") AS why FROM certificate_rows
    WHERE event = 'withdrawn' GROUP BY cert_id)
SELECT
  cert_id,
  CASE
    WHEN event = 'refused' THEN 'uncertified'
    WHEN withdrawn_at IS NOT NULL THEN 'withdrawn'
    WHEN now() >= valid_until THEN 'expired'
    ELSE 'valid'
  END AS status,
  promise, tier, depth, p, domain, delta, n, errors, lower, coverage, knob, thresholds, passes, cost, reference,
  cert_set, data_hash, frozen, "at" AS issued_at, valid_until, withdrawn_at, needed, coalesce(why, reason) AS reason
FROM latest LEFT JOIN gone USING (cert_id)
ORDER BY promise DESC, depth, p, tier, domain;
"""

_COMMENTS = {
    "certificates": "What is promised of labels, one row a tier, domain and promise, the latest; cert_id joins events. "
    "`dioptre tiers` sees also whether models or templates have changed since, which voids one.",
    "certificate_rows": "All that happened to certificates, oldest first; the view certificates is made of it.",
}


def make_certificates(con: duckdb.DuckDBPyConnection, lake: Lake) -> None:
    """Make table and view in the current database."""
    con.register("given_certificates", Certificates(lake.root).life())
    con.execute('CREATE TABLE certificate_rows AS FROM given_certificates ORDER BY "at", cert_id')
    con.unregister("given_certificates")
    con.execute(_VIEW)
    con.execute(f"COMMENT ON VIEW certificates IS {quoted(_COMMENTS['certificates'])}")
    con.execute(f"COMMENT ON TABLE certificate_rows IS {quoted(_COMMENTS['certificate_rows'])}")
    comment_columns(con, "certificates", CERTIFICATES)
