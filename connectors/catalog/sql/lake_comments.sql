COMMENT ON VIEW events_raw IS 'Every stored row as it was written, rejects too: labels as given at ingest.';
COMMENT ON VIEW rejects IS 'Positions that hold no event, with the reason and the bytes.';
COMMENT ON VIEW segments IS 'One row a segment file, from its footer: positions from start_offset to before end_offset.';
COMMENT ON COLUMN segments.skips IS 'Positions left out on purpose, by reason.';
COMMENT ON TABLE kinds IS 'One row a key: what is known of it. For people there is templates.';
COMMENT ON COLUMN kinds.leads IS 'True: the first seen of the keys of its template, which speaks for it.';
COMMENT ON TABLE kinds_in_one_row IS 'The kinds again, as the view events joins them.';
COMMENT ON TABLE catalog_stamp IS 'What this catalog was built from; `dioptre` rebuilds it when that has changed.';
