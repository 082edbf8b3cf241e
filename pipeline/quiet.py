"""Imported before Beam in workers: Beam warns of what nobody asked for, and logs errors that are told anyway."""

import logging

logging.getLogger().setLevel(logging.CRITICAL)
