"""Training: what the packaged models are made with and nothing needs at run time."""
