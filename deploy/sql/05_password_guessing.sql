-- Who guesses passwords, and did they get in?
-- fails: failures from one address within five minutes that make a guesser. No address: on the machine itself.
SET VARIABLE fails = 5;

WITH
  logins AS (
    SELECT address_in(params) AS address, ts, label, host
    FROM events
    WHERE label IN ('auth.login_failure', 'auth.login_success')
  ),
  bins AS (
    SELECT
      address,
      time_bin(ts, INTERVAL 5 MINUTE) AS bin,
      count(*) FILTER (WHERE label = 'auth.login_failure') AS failed,
      count(*) FILTER (WHERE label = 'auth.login_success') AS succeeded,
      min(ts) AS first,
      max(ts) AS last
    FROM logins
    GROUP BY ALL
  ),
  guessers AS (
    SELECT
      address, max(failed) AS worst_5_min, sum(failed) AS failed, sum(succeeded) AS succeeded,
      min(first) AS first, max(last) AS last
    FROM bins
    GROUP BY address
  )
SELECT address, worst_5_min, failed, succeeded, succeeded > 0 AS got_in, first, last
FROM guessers
WHERE worst_5_min >= getvariable('fails')
ORDER BY got_in DESC, failed DESC
LIMIT 50;
