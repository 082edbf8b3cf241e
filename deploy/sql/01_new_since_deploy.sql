-- What is new since the deploy?
-- deploy: set it to the time of yours; as shipped, the time at which nine in ten of all templates had been met.
SET VARIABLE deploy = (SELECT quantile_disc(first_seen, 0.9) FROM templates);

SELECT template_id, template, label, n, hosts, first_seen
FROM new_since(getvariable('deploy'))
ORDER BY n DESC
LIMIT 20;
