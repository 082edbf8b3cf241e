-- What came first? The rarest serious lines just before the outage.
-- outage: the time of yours; as shipped, the five minutes with the most errors.
SET VARIABLE outage = (
  SELECT arg_max(bin, n)
  FROM (SELECT time_bin(ts, INTERVAL 5 MINUTE) AS bin, count(*) AS n FROM events WHERE level <= 3 GROUP BY ALL)
);

WITH
  near AS (
    SELECT ts, host, app, label, message, template_id
    FROM events
    WHERE level <= 3
      AND ts >= getvariable('outage') - INTERVAL 10 MINUTE
      AND ts < getvariable('outage') + INTERVAL 5 MINUTE
  ),
  firsts AS (
    SELECT template_id, arg_min((ts, host, app, label, message), ts) AS line, count(*) AS n_near FROM near GROUP BY template_id
  ),
  counted AS (SELECT template_id, count(*) AS n_in_all FROM events GROUP BY template_id)
SELECT line[1] AS ts, line[2] AS host, line[3] AS app, line[4] AS label, line[5] AS message, n_near, n_in_all
FROM firsts JOIN counted USING (template_id)
ORDER BY n_in_all, ts
LIMIT 20;
