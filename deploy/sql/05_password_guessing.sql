-- Who guesses passwords, and did they get in?
-- fails: failures from one address within five minutes that make a guesser.
SET VARIABLE fails = 5;

WITH
  logins AS (
    SELECT address_in(params) AS address, ts, label = 'auth.login_failure' AS failed
    FROM events
    WHERE label IN ('auth.login_failure', 'auth.login_success')
  ),
  bins AS (
    SELECT
      address,
      time_bin(ts, INTERVAL 5 MINUTE) AS bin,
      count(address) AS told,
      count(*) FILTER (WHERE failed) AS failures,
      count(*) FILTER (WHERE NOT failed) AS successes,
      min(ts) FILTER (WHERE failed) AS first_failure,
      max(ts) FILTER (WHERE NOT failed) AS last_success
    FROM logins
    GROUP BY ALL
  ),
  guessers AS (
    SELECT
      address, sum(told) AS told, max(failures) AS worst_5_min, sum(failures) AS failures, sum(successes) AS successes,
      min(first_failure) AS first_failure, max(last_success) AS last_success
    FROM bins
    GROUP BY address
  )
-- `told > 0` and not `address IS NOT NULL`: DuckDB would look for an address in every line before it looks at the label.
SELECT
  address, worst_5_min, failures, successes, coalesce(last_success > first_failure, false) AS got_in, first_failure,
  last_success
FROM guessers
WHERE worst_5_min >= getvariable('fails') AND told > 0
ORDER BY got_in DESC, failures DESC
LIMIT 50;
