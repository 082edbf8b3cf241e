"""Lines to keys, keys to templates, templates to clusters."""
