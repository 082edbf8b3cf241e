-- What happened on this host around that time?
-- host, moment, within: yours; as shipped, the host that last reported an error, two minutes before and after.
SET VARIABLE moment = (SELECT max(ts) FROM events WHERE level <= 3 AND host IS NOT NULL AND ts <= newest());
SET VARIABLE host = (SELECT any_value(host) FROM events WHERE level <= 3 AND ts = getvariable('moment'));
SET VARIABLE within = INTERVAL 2 MINUTE;

SELECT
  label, coalesce(template, message) AS template, min(level) AS level, count(*) AS n, min(ts) AS first, max(ts) AS last
FROM around(getvariable('host'), getvariable('moment'), getvariable('within'))
GROUP BY ALL
ORDER BY level, n DESC;
