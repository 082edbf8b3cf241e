"""Joins the rooms: PTransforms, config, the `dioptre` command."""
