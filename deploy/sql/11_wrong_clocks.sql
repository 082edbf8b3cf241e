-- Whose clock is wrong?
-- Ahead of the time of receipt by over five minutes is wrong for files too; behind it only for what arrives live, since a
-- file was received when it was last written. `guessed`: the line told no zone, no year or no stamp.
WITH
  skews AS (
    SELECT
      host,
      starts_with(source, 'kafka-') AS live,
      (epoch_us(ts) - epoch_us(observed_ts)) // 60000000 AS minutes,
      count(*) AS n,
      count(*) FILTER (WHERE ts_quality <> 'exact') AS guessed,
      count(*) FILTER (WHERE ts_quality = 'received') AS no_stamp
    FROM events
    GROUP BY ALL
  ),
  hosts AS (
    SELECT
      host,
      sum(n) AS events,
      arg_max(minutes, n) AS commonest_skew_min,
      coalesce(sum(n) FILTER (WHERE minutes >= 5), 0) AS ahead,
      coalesce(sum(n) FILTER (WHERE minutes <= -5 AND live), 0) AS behind,
      sum(guessed) AS guessed,
      sum(no_stamp) AS no_stamp
    FROM skews
    GROUP BY host
  )
SELECT *
FROM hosts
WHERE ahead > 0 OR behind > 0 OR guessed > 0.5 * events
ORDER BY ahead + behind DESC, guessed DESC;
