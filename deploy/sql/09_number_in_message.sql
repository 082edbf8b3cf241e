-- How does a number inside a message move? Median and 95th percentile by the hour.
-- kind, hole: the template and which of its holes; as shipped, the commonest of those whose example has a decimal number.
SET VARIABLE chosen = (
  SELECT arg_max({'kind': template_id, 'hole': hole}, n)
  FROM (
    SELECT template_id, unnest(range(1, len(words) + 1)) AS hole, unnest(words) AS word
    FROM (SELECT template_id, slots(template, example) AS words FROM templates)
  )
  JOIN (SELECT template_id, count(*) AS n FROM events GROUP BY template_id) USING (template_id)
  WHERE regexp_matches(word, '^[0-9]+\.[0-9]+(s|sec|ms|us|%)?[,;)]*$')
);
SET VARIABLE kind = getvariable('chosen').kind;
SET VARIABLE hole = getvariable('chosen').hole;

SELECT
  time_bin(ts, INTERVAL 1 HOUR) AS hour,
  round(approx_quantile(value, 0.5), 3) AS p50,
  round(approx_quantile(value, 0.95), 3) AS p95,
  count(value) AS n,
  any_value(template) AS template
FROM (
  SELECT ts, template, number_in(param(params, getvariable('hole'))) AS value
  FROM events
  WHERE template_id = getvariable('kind')
)
GROUP BY hour
ORDER BY hour;
