"""Imported last by the fork server: what is loaded by then is kept out of garbage collection, so workers share it."""

import gc

gc.collect()
gc.freeze()
