"""The plain wire formats on the bytes of many records at once, as compiled loops; `vector` is their door to Python."""
