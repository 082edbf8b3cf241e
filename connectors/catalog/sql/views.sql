-- Views that need no more than `events` and `templates`: a lake has them, and an exported file too.

CREATE MACRO newest() AS
  (SELECT coalesce(max(ts) FILTER (WHERE ts <= now() + INTERVAL 1 DAY), max(ts)) FROM ${stored_events});

CREATE VIEW template_hours AS
SELECT template_id, hour, template, label, n
FROM (SELECT template_id, time_bin(ts, INTERVAL 1 HOUR) AS hour, count(*) AS n FROM events GROUP BY ALL)
LEFT JOIN templates USING (template_id);

CREATE VIEW template_stats AS
SELECT template_id, template, label, c.n, c.hosts, c.first_seen, c.last_seen
FROM (
  SELECT
    template_id, CAST(sum(n) AS BIGINT) AS n, count(host) AS hosts, min(first) AS first_seen, max(last) AS last_seen
  FROM (
    SELECT template_id, host, count(*) AS n, min(ts) AS first, max(ts) AS last FROM events GROUP BY template_id, host
  )
  GROUP BY template_id
) AS c
LEFT JOIN templates USING (template_id);

CREATE VIEW new_templates AS
SELECT template_id, template, app, label, confidence, stage, first_seen, example
FROM templates
WHERE NOT muted AND first_seen > (SELECT newest()) - INTERVAL 1 DAY
ORDER BY first_seen DESC;

CREATE VIEW otel_logs AS
SELECT
  ts AS "Timestamp",
  observed_ts AS "ObservedTimestamp",
  map_extract(attrs, 'trace_id')[1] AS "TraceId",
  map_extract(attrs, 'span_id')[1] AS "SpanId",
  coalesce(otel_severity(severity), 0) AS "SeverityNumber",
  sev_text(severity) AS "SeverityText",
  message AS "Body",
  map_from_entries([
    x for x in [{'k': 'host.name', 'v': host}, {'k': 'service.name', 'v': app}] if x.v IS NOT NULL
  ]) AS "Resource",
  map_concat(coalesce(attrs, MAP([]::VARCHAR[], []::VARCHAR[])), map_from_entries([
    x for x in [
      {'k': 'log.record.template', 'v': template},
      {'k': 'log.record.uid', 'v': source || ':' || source_offset || ':' || ordinal},
      {'k': 'syslog.facility', 'v': CAST(facility AS VARCHAR)},
      {'k': 'syslog.procid', 'v': procid},
      {'k': 'syslog.msgid', 'v': msgid},
      {'k': 'dioptre.template_id', 'v': template_id},
      {'k': 'dioptre.label', 'v': label},
      {'k': 'dioptre.confidence', 'v': CAST(confidence AS VARCHAR)},
      {'k': 'dioptre.stage', 'v': stage}
    ] if x.v IS NOT NULL
  ])) AS "Attributes"
FROM events;
