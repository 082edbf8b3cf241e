-- Is anything missing or doubled?
-- Each segment file says which positions it stands for and how many rows it wrote. All three faults are 0 in a sound lake;
-- `dioptre lake verify` proves more and names the file.
WITH
  files AS (
    SELECT *, lag(end_offset, 1, start_offset) OVER (PARTITION BY source ORDER BY start_offset) AS previous_end
    FROM segments
  ),
  told AS (
    SELECT
      source, count(*) AS files, min(start_offset) AS from_offset, max(end_offset) AS to_offset,
      sum(events) AS events, sum(rejects) AS rejects,
      sum(end_offset - start_offset - positions) AS skipped,
      sum(greatest(start_offset - previous_end, 0)) AS missing,
      sum(greatest(previous_end - start_offset, 0)) AS doubled
    FROM files
    GROUP BY source
  ),
  stored AS (SELECT source, count(*) AS row_count FROM events_raw GROUP BY source)
SELECT
  source, files, from_offset, to_offset, events, rejects, skipped, missing, doubled,
  events + rejects - coalesce(row_count, 0) AS rows_lost
FROM told LEFT JOIN stored USING (source)
ORDER BY missing + doubled + abs(rows_lost) DESC, source;
