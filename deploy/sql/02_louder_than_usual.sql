-- What got louder than its own median hour?
-- hour: any time in the hour you ask about; as shipped, the hour with the most events.
SET VARIABLE hour = (SELECT arg_max(hour, n) FROM (SELECT time_bin(ts, INTERVAL 1 HOUR) AS hour, count(*) AS n FROM events GROUP BY ALL));

SELECT template_id, template, label, n, usual_n, ratio
FROM spikes(getvariable('hour'))
ORDER BY ratio DESC, n DESC
LIMIT 20;
