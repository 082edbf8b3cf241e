-- What the work on the lake took, with the coefficients that held when it was done. schemas/ledger.py has the formulas.

CREATE VIEW ledger AS
SELECT
  r.hour, r.stage, r.domain, r.events, r.kinds, r.exits, r.escalations, r.deferred, r.cpu_s, r.tokens_in, r.tokens_out,
  ${measures},
  c.currency,
  CASE WHEN r.stage = 'remote' THEN 'requests' ELSE 'cpu_time' END AS energy_method,
  r.run, r.coefficients
FROM ledger_rows AS r
LEFT JOIN coefficient_sets AS c ON c.id = r.coefficients;

COMMENT ON VIEW ledger IS 'What each stage did and took, by hour, domain and run: an estimate, low to high.';
COMMENT ON TABLE coefficients IS 'What the ledger is reckoned with: low, central, high, unit and source.';
COMMENT ON TABLE ledger_rows IS 'What the view ledger is made of.';
COMMENT ON TABLE coefficient_sets IS 'The coefficients again, one row a set, as the view ledger joins them.';
COMMENT ON COLUMN ledger.wh IS 'Wh drawn: CPU-seconds x watts x PUE, and requests to servers; not metered.';
COMMENT ON COLUMN ledger.gco2e IS 'Grams of CO2e by the grid of the place, without what making machines took.';
COMMENT ON COLUMN ledger.litres IS 'Litres of water at the site and at power plants.';
COMMENT ON COLUMN ledger.money IS 'In `currency`: vCPU-hours, and what servers took.';
