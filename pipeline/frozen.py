"""Imported last before workers are forked: what is loaded by then is kept out of garbage collection and so shared."""

import atexit
import gc

gc.freeze()
atexit.register(gc.unfreeze)  # else libraries that count their objects at the exit complain that some are left
