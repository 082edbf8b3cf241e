-- Who fell silent?
-- quiet, at_least: a program counts that wrote so many events and then nothing for so long before the newest event.
SET VARIABLE quiet = INTERVAL 30 MINUTE;
SET VARIABLE at_least = 20;

WITH programs AS (
  SELECT host, app, count(*) AS n, min(ts) AS first, max(ts) AS last
  FROM events
  GROUP BY host, app
)
SELECT host, app, n, last, CAST(epoch(newest()) - epoch(last) AS BIGINT) // 60 AS silent_min
FROM programs
WHERE n >= getvariable('at_least') AND last < newest() - getvariable('quiet')
ORDER BY n / (epoch(last) - epoch(first) + 60) DESC
LIMIT 50;
