"""Kinds in, verdicts out: the stages, the cascade, and how they are trained."""
