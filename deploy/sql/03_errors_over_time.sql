-- How many errors in each five minutes, quiet ones shown?
-- until, hours: the window; as shipped, the last two hours of the lake. level 3 is `err`; less is worse.
SET VARIABLE until = newest();
SET VARIABLE hours = 2;

WITH
  errors AS (
    SELECT time_bin(ts, INTERVAL 5 MINUTE) AS bin, count(*) AS n, mode(label) AS commonest_label
    FROM events
    WHERE level <= 3
      AND ts > getvariable('until') - to_hours(getvariable('hours'))
      AND ts <= getvariable('until')
    GROUP BY ALL
  ),
  bins AS (
    SELECT unnest(generate_series(
      time_bin(getvariable('until') - to_hours(getvariable('hours')), INTERVAL 5 MINUTE),
      time_bin(getvariable('until'), INTERVAL 5 MINUTE),
      INTERVAL 5 MINUTE
    )) AS bin
  )
SELECT bin, coalesce(n, 0) AS errors, commonest_label
FROM bins LEFT JOIN errors USING (bin)
ORDER BY bin;
