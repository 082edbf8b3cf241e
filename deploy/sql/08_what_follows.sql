-- What follows A within a minute on the same host, more often than by chance?
-- a, until, hours: the label and the window; as shipped, the rarest serious label of the last hour, and that hour.
SET VARIABLE until = newest();
SET VARIABLE hours = 1;
SET VARIABLE a = (
  SELECT label
  FROM events
  WHERE level <= 3 AND ts > getvariable('until') - to_hours(getvariable('hours')) AND ts <= getvariable('until')
  GROUP BY label
  ORDER BY count(*), label
  LIMIT 1
);

WITH
  told AS (
    SELECT host, ts, label
    FROM events
    WHERE ts > getvariable('until') - to_hours(getvariable('hours')) AND ts <= getvariable('until')
      AND host IS NOT NULL
  ),
  a AS (SELECT host, ts AS a_ts FROM told WHERE label = getvariable('a')),
  after AS (
    SELECT told.label, count(*) AS n
    FROM told ASOF JOIN a ON told.host = a.host AND told.ts > a.a_ts
    WHERE told.label <> getvariable('a') AND told.ts <= a.a_ts + INTERVAL 60 SECOND
    GROUP BY told.label
  ),
  always AS (SELECT label, count(*) AS n FROM told WHERE label <> getvariable('a') GROUP BY label),
  shares AS (
    SELECT
      label, after.n AS n_after, always.n AS n_in_all,
      (after.n / sum(after.n) OVER ()) / (always.n / (SELECT sum(n) FROM always)) AS lift
    FROM after JOIN always USING (label)
  )
SELECT getvariable('a') AS a, label AS followed_by, n_after, n_in_all, round(lift, 2) AS lift
FROM shares
ORDER BY lift DESC, n_after DESC
LIMIT 20;
