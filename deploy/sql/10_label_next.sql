-- What should I label next? Doubt, weighted by how often it matters.
SELECT template_id, template, label, round(confidence, 2) AS confidence, stage, n, example
FROM templates JOIN (SELECT template_id, count(*) AS n FROM events GROUP BY template_id) USING (template_id)
WHERE stage <> 'person' AND (confidence < 0.95 OR label = 'unknown')
ORDER BY n * (1 - confidence) DESC
LIMIT 20;
