"""Lets the fault tests use the kits of the pipeline's tests."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "pipeline"))
