-- What DuckDB says of each view and macro (duckdb_views(), duckdb_functions()). ${relation} is VIEW in a lake, TABLE in
-- an exported file.

COMMENT ON TABLE labels IS 'The taxonomy: each label with its definition and typical severity. One row a label.';
COMMENT ON COLUMN labels.label IS 'Dotted name: domain.leaf.';
COMMENT ON COLUMN labels.severity_hint IS 'Typical syslog severity of such an event, 0 (emerg) to 7 (debug).';
COMMENT ON COLUMN labels.actionable IS 'Whether a person should look: yes, no, depends.';

COMMENT ON ${relation} events IS 'One row an event, with what is known of its kind today. Filter on ts: it is cheap.';
COMMENT ON COLUMN events.level IS 'severity, else the typical severity of the label; 0 (emerg) to 7 (debug).';
COMMENT ON COLUMN events.template_id IS 'The template of the kind today, 16 hex digits; join templates on it. Null: a line that goes on.';
COMMENT ON COLUMN events.template IS 'Its text, holes as <*>; null for a kind that nobody has noted yet.';
COMMENT ON COLUMN events.label IS 'What the kind is called today, else label_at_ingest. `unknown`: no stage was sure.';
COMMENT ON COLUMN events.domain IS 'The part of the label before the dot.';
COMMENT ON COLUMN events.confidence IS 'Calibrated probability that label is right, 0 to 1; of the label of today.';
COMMENT ON COLUMN events.stage IS 'Who gave the label of today: person, rule, tiny, ...; continuation: the line before.';
COMMENT ON COLUMN events.params IS 'Words in the holes of the key, one blank between; param(params, 1) is the first.';

COMMENT ON ${relation} templates IS 'One row a template. No counts here: they scan the events; see template_stats.';
COMMENT ON COLUMN templates.first_seen IS 'Time of the event that made it known; template_stats has the earliest.';
COMMENT ON COLUMN templates.keys IS 'Keys (kinds as first told apart) that the template unites; <other> counts as one.';
COMMENT ON COLUMN templates.example IS 'A line of this kind, addresses, names and numbers of people masked.';

COMMENT ON COLUMN templates.label_source IS 'Who gave the label: person, rule, tiny, ...; the same as stage.';
COMMENT ON COLUMN templates.set_by IS 'Who wrote it: a person by name, learn, rule, undo, inline.';
COMMENT ON COLUMN templates.muted IS 'True: people do not want to see it among the new and in lists. Events stay.';
COMMENT ON TABLE template_ids IS 'What each id that a template ever had (old) is today (new); several after a split.';

COMMENT ON VIEW template_hours IS 'Events a template and UTC hour. Scans all events: filter on hour or template_id.';
COMMENT ON VIEW template_stats IS 'Events and hosts a template, its first and last event. Scans all events.';
COMMENT ON VIEW new_templates IS 'Templates noted in the last day of the lake, newest first. Cheap; new_since is exact.';
COMMENT ON VIEW otel_logs IS 'The events under the names of the OpenTelemetry log data model.';

COMMENT ON MACRO sev_text IS 'sev_text(3) = err: the name of a syslog severity.';
COMMENT ON MACRO otel_severity IS 'otel_severity(3) = 17: the OpenTelemetry SeverityNumber of a syslog severity.';
COMMENT ON MACRO time_bin IS 'time_bin(ts, INTERVAL 5 MINUTE): start of the bin, from 1970 in UTC; fast.';
COMMENT ON MACRO param IS 'param(params, 2): the second word in the holes; blanks that were inside it are back.';
COMMENT ON MACRO number_in IS 'number_in(text): the first number in a text, or null.';
COMMENT ON MACRO address_in IS 'address_in(text): the first IPv4 or IPv6 address in a text, without port, or null.';
COMMENT ON MACRO newest IS 'newest(): time of the newest event that is not stamped in the future.';
COMMENT ON MACRO slots IS 'slots(template, message): the words in the holes; the last may hold several. Null: no fit.';
COMMENT ON MACRO TABLE recent IS 'FROM recent(''1h''): events of the last hour before newest(), by time.';
COMMENT ON MACRO TABLE around IS 'FROM around(''web01'', ts, ''2m''): events of a host near a time, by time.';
COMMENT ON MACRO TABLE new_since IS 'FROM new_since(ts): templates without an event before then, commonest first.';
COMMENT ON MACRO TABLE events_of IS 'FROM events_of(''id''): events of the template that an id, even an old one, means.';
COMMENT ON MACRO TABLE spikes IS 'FROM spikes(ts): templates at over 3 times their median hour, in the hour of ts.';
