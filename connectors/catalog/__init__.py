"""The catalog: what DuckDB sees of a lake. Built as a file, asked through a session, exported in part."""

from connectors.catalog.errors import CatalogError
from connectors.catalog.export import Exported, export
from connectors.catalog.file import CATALOG, build, fresh
from connectors.catalog.session import Session

__all__ = ["CATALOG", "CatalogError", "Exported", "Session", "build", "export", "fresh"]
