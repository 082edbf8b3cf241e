"""Imports Beam without its ways into BigQuery and MongoDB: 290 modules of 1,480, and a third of .64 CPU-s.

`import apache_beam` tries to import both and goes on without them where their libraries are missing. So they are held
for missing while it is imported, and for nobody else: afterwards anything can be imported again.
"""

import sys

LEFT_OUT = ("bson", "apache_beam.io.gcp.bigquery")
"""What Beam tries first of each: None in sys.modules makes the import of a name fail."""

_missing = [name for name in LEFT_OUT if name not in sys.modules and "apache_beam" not in sys.modules]
for _name in _missing:
    sys.modules[_name] = None  # type: ignore[assignment]
try:
    import apache_beam
finally:
    for _name in _missing:
        del sys.modules[_name]

__all__ = ["LEFT_OUT", "apache_beam"]
