-- Macros of one value, which the views use too. Parameters are named p_*, so that no column ever hides them.

CREATE MACRO sev_text(p_severity) AS
  list_extract(['emerg', 'alert', 'crit', 'err', 'warning', 'notice', 'info', 'debug'], p_severity + 1);

CREATE MACRO otel_severity(p_severity) AS list_extract([21, 19, 18, 17, 13, 10, 9, 5], p_severity + 1);

-- Whole numbers, since date_trunc and time_bucket ask a time zone table for every row: .2 for 1.9 CPU-s on 10 million.
CREATE MACRO time_bin(p_ts, p_width) AS
  make_timestamptz(epoch_us(p_ts) // epoch_us(CAST(p_width AS INTERVAL)) * epoch_us(CAST(p_width AS INTERVAL)));

CREATE MACRO param(p_params, p_i) AS replace(list_extract(string_split(p_params, ' '), p_i), chr(160), ' ');

CREATE MACRO number_in(p_text) AS TRY_CAST(regexp_extract(p_text, '-?[0-9]+(\.[0-9]+)?') AS DOUBLE);

CREATE MACRO address_in(p_text) AS nullif(regexp_extract(p_text, ${address}), '');

-- The text a template is made of: the first line that is not blank; of a Python traceback the last line as well.
CREATE MACRO key_line(p_message) AS
  regexp_extract(p_message, '[^\n]*[^\n\r\t ][^\n]*') || CASE
    WHEN regexp_matches(p_message, '^Traceback \(most recent[^\n]*\n\s*\S') THEN ' ' || regexp_extract(p_message, '[^\n]+\s*$$')
    ELSE ''
  END;

CREATE MACRO words_of(p_text) AS [x for x in regexp_split_to_array(p_text, '[\x01-\x20]+') if x <> ''];

-- Number of the last word with a hole, 0: none has one.
CREATE MACRO last_hole(p_words) AS
  coalesce(list_max([j for j in range(1, len(p_words) + 1) if contains(p_words[j], '<*')]), 0);

-- What the message says at word p_i of the template: one word, at the last hole all that no other word takes.
CREATE MACRO said_at(p_i, p_words, p_said) AS
  CASE
    WHEN p_i < last_hole(p_words) THEN p_said[p_i]
    WHEN p_i > last_hole(p_words) THEN p_said[p_i + len(p_said) - len(p_words)]
    ELSE array_to_string(p_said[p_i : p_i + len(p_said) - len(p_words)], ' ')
  END;

CREATE MACRO fits(p_words, p_said) AS
  len(p_said) >= len(p_words) AND (last_hole(p_words) > 0 OR len(p_said) = len(p_words))
  AND len([
    i for i in range(1, len(p_words) + 1)
    if CASE
      WHEN contains(p_words[i], '<*')
      THEN NOT starts_with(said_at(i, p_words, p_said), split_part(p_words[i], '<*', 1))
      ELSE said_at(i, p_words, p_said) <> p_words[i]
    END
  ]) = 0;

CREATE MACRO slots_of(p_words, p_said) AS
  CASE WHEN fits(p_words, p_said) THEN [
    substr(said_at(i, p_words, p_said), strpos(p_words[i], '<*'))
    for i in range(1, len(p_words) + 1) if contains(p_words[i], '<*')
  ] END;

CREATE MACRO slots(p_template, p_message) AS slots_of(string_split(p_template, ' '), words_of(key_line(p_message)));
