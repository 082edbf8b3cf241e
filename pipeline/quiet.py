"""Imported before Beam in worker processes: Beam warns at import of Google clients that nobody asked for."""

import logging

logging.getLogger().setLevel(logging.ERROR)
