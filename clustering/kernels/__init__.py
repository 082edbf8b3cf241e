"""The rules of `key` on the bytes of many messages at once, as compiled loops; `door` is their door to Python."""
