"""The version of dioptre, as its package tells it."""

from importlib.metadata import PackageNotFoundError, version

try:
    VERSION = version("dioptre")
except PackageNotFoundError:  # a source tree that was never installed
    VERSION = "0+unknown"
