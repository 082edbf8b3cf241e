-- What only a lake has: its files as rows. ${events_raw} and ${segments} are table functions over all of its files, and
-- ${cut} leaves out the segments whose rows are in compacted files: DuckDB does not even open them.

CREATE VIEW events_raw AS SELECT ${columns} FROM ${events_raw} WHERE ${cut};

-- The kinds come in as one row that is unnested: DuckDB guesses the size of the lake from its first file, and where it
-- guesses that the events are fewer than the kinds, it would build its hash table from the events (ten times slower).
-- A continuation line has no kind of its own, so what was stored with it holds; and no template, unless a line that
-- stands for itself says the same: so each template_id of events is one of templates.
CREATE VIEW events AS
SELECT
  e.ts, e.ts_quality, e.observed_ts, e.host, e.app, e.procid, e.msgid, e.facility, e.severity,
  coalesce(
    e.severity,
    CASE WHEN k.key IS NULL OR e.stage = 'continuation' THEN ${severity_of_label} ELSE k.severity_hint END
  ) AS level,
  e.message,
  coalesce(k.template_id, CASE WHEN e.stage <> 'continuation' THEN e.template_id END) AS template_id,
  k.template,
  e.params,
  CASE WHEN k.key IS NULL OR e.stage = 'continuation' THEN e.label_at_ingest ELSE k.label END AS label,
  CASE WHEN k.key IS NULL OR e.stage = 'continuation' THEN split_part(e.label_at_ingest, '.', 1) ELSE k.domain END
    AS domain,
  CASE WHEN k.key IS NULL OR e.stage = 'continuation' THEN e.confidence ELSE k.confidence END AS confidence,
  CASE WHEN k.key IS NULL OR e.stage = 'continuation' THEN e.stage ELSE k.stage END AS stage,
  CASE WHEN k.key IS NULL OR e.stage = 'continuation' THEN e.model ELSE k.model END AS model,
  CASE WHEN k.key IS NULL OR e.stage = 'continuation' THEN e.settled ELSE k.settled END AS settled,
  CASE WHEN k.key IS NULL OR e.stage = 'continuation' THEN e.cert_id ELSE k.cert_id END AS cert_id,
  e.label_at_ingest, e.attrs, e.format, e.issues, e.raw, e.key, e.source, e.source_offset, e.ordinal, e.ingest_ts
FROM events_raw AS e
LEFT JOIN (SELECT unnest(kinds, recursive := true) FROM kinds_in_one_row) AS k ON k.key = e.key
WHERE e.reject_reason IS NULL;

CREATE VIEW rejects AS
SELECT observed_ts, source, source_offset, ordinal, reject_reason, raw, format, issues, ingest_ts
FROM events_raw
WHERE reject_reason IS NOT NULL;

CREATE VIEW segments AS
SELECT source, start_offset, end_offset, events, rejects, positions, skips, name, file FROM compacted
UNION ALL
SELECT
  split_part(filename, '/', -2) AS source,
  CAST(footer ->> 'start' AS BIGINT) AS start_offset,
  CAST(footer ->> 'end' AS BIGINT) AS end_offset,
  CAST(footer ->> 'events' AS BIGINT) AS events,
  CAST(footer ->> 'rejects' AS BIGINT) AS rejects,
  CAST(footer ->> 'positions' AS BIGINT) AS positions,
  CAST(CAST(footer -> 'skips' AS JSON) AS MAP(VARCHAR, BIGINT)) AS skips,
  footer ->> 'name' AS name,
  filename AS file
FROM (
  SELECT file_name AS filename, CAST(decode(value) AS JSON) AS footer
  FROM ${segments}
  WHERE decode(key) = 'dioptre'
)
WHERE footer ->> 'end' IS NOT NULL AND ${cut};

CREATE VIEW sources AS
SELECT
  source,
  coalesce(arg_max(name, end_offset) FILTER (WHERE name <> ''), source) AS name,
  CAST(sum(events) AS BIGINT) AS events,
  CAST(sum(rejects) AS BIGINT) AS rejects,
  CAST(sum(end_offset - start_offset - positions) AS BIGINT) AS skipped,
  min(start_offset) AS start_offset,
  max(end_offset) AS end_offset
FROM segments
GROUP BY source;

CREATE VIEW templates AS
SELECT
  template_id, template, app, label, domain, severity_hint, confidence, stage AS label_source, stage, model, settled,
  cert_id, cluster_id, set_by, set_at, reason, muted, example, first_seen, keys
FROM kinds
WHERE leads;

-- What held after each row of the registry, as the fold has it: of the latest row of a person or of an undo, if that is
-- a person's label, else of the latest row; a person's label that a machine repeats counts for nothing, nor does a row
-- that tells of templates alone (stage `order`).
CREATE VIEW label_history AS
WITH
  told AS (
    SELECT *, stage = 'order' OR (stage = 'person' AND coalesce(set_by IN ('learn', 'rule'), false)) AS repeats
    FROM registry_rows
  ),
  held AS (
    SELECT
      *,
      last_value(
        CASE WHEN NOT repeats AND (stage = 'person' OR set_by = 'undo') THEN {'label': label, 'stage': stage} END
        IGNORE NULLS
      ) OVER so_far AS decided,
      last_value(CASE WHEN NOT repeats THEN label END IGNORE NULLS) OVER so_far AS latest
    FROM told
    WINDOW so_far AS (PARTITION BY key ORDER BY sequence ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
  ),
  labelled AS (
    SELECT *, CASE WHEN decided.stage = 'person' THEN decided.label ELSE coalesce(latest, label) END AS label_after
    FROM held
  ),
  both_sides AS (
    SELECT *, lag(label_after) OVER (PARTITION BY key ORDER BY sequence) AS label_before FROM labelled
  )
SELECT
  k.template_id, h.key, h.sequence, h.set_at, h.label_before, h.label_after, h.set_by, h.reason, h.stage, h.model,
  h.confidence
FROM both_sides AS h
LEFT JOIN kinds AS k USING (key)
WHERE h.sequence > 0
ORDER BY h.sequence, h.key;
