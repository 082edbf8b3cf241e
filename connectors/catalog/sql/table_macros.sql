-- Macros that give rows. A parameter never stands in HAVING: DuckDB has refused that since 1.4.

CREATE MACRO recent(p_for) AS TABLE
SELECT * FROM events WHERE ts > (SELECT newest()) - CAST(p_for AS INTERVAL) ORDER BY ts;

CREATE MACRO around(p_host, p_ts, p_within) AS TABLE
SELECT * FROM events
WHERE host = p_host
  AND ts >= CAST(p_ts AS TIMESTAMPTZ) - CAST(p_within AS INTERVAL)
  AND ts <= CAST(p_ts AS TIMESTAMPTZ) + CAST(p_within AS INTERVAL)
ORDER BY ts;

CREATE MACRO new_since(p_ts) AS TABLE
SELECT template_id, template, label, n, hosts, first_seen, last_seen
FROM template_stats
WHERE first_seen >= CAST(p_ts AS TIMESTAMPTZ)
ORDER BY n DESC;

CREATE MACRO events_of(p_id) AS TABLE
SELECT * FROM events WHERE template_id IN (SELECT new FROM template_ids WHERE old = p_id) ORDER BY ts;

CREATE MACRO spikes(p_ts) AS TABLE
WITH
  counted AS (SELECT * FROM template_hours),
  usual AS (
    SELECT template_id, median(n) AS usual_n, count(*) AS hours
    FROM counted
    WHERE hour < time_bin(CAST(p_ts AS TIMESTAMPTZ), INTERVAL 1 HOUR)
    GROUP BY template_id
  )
SELECT template_id, template, label, n, usual_n, round(n / usual_n, 1) AS ratio, hours
FROM counted
JOIN usual USING (template_id)
WHERE hour = time_bin(CAST(p_ts AS TIMESTAMPTZ), INTERVAL 1 HOUR) AND n > 3 * usual_n
ORDER BY ratio DESC;
