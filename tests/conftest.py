"""What holds for every test."""


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name a test by the argument that holds bytes, not by the bytes: workers that each collect must find the same names."""
    return argname if isinstance(val, bytes | bytearray) else None
