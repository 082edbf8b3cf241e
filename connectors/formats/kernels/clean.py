"""Which records the kernels may read: UTF-8 without control bytes but tab and newline, and without `%ASA-...`."""

import numpy as np
import numpy.typing as npt

from schemas.compiled import helper

Bytes = npt.NDArray[np.uint8]
_TAB, _NEWLINE, _RETURN, _PERCENT, _DELETE = 9, 10, 13, 37, 127


@helper
def trimmed(data: Bytes, start: int, end: int) -> int:
    """Where a record ends without its trailing CR, LF and NUL."""
    while end > start and (data[end - 1] == 10 or data[end - 1] == 13 or data[end - 1] == 0):
        end -= 1
    return end


@helper
def is_clean(data: Bytes, start: int, end: int) -> bool:
    """Whether a record holds only what the kernels read."""
    odd = high = 0
    for i in range(start, end):
        byte = data[i]
        odd |= (byte < 32) | (byte == _PERCENT) | (byte == _DELETE)
        high |= byte
    if odd and not _is_plain(data, start, end):
        return False
    return high < 128 or _is_utf8(data, start, end)


@helper
def is_text(data: Bytes, start: int, end: int) -> bool:
    """Whether a record is UTF-8 without control bytes but blanks and line ends."""
    high = 0
    for i in range(start, end):
        byte = data[i]
        if byte == _DELETE or (byte < 32 and byte != _TAB and byte != _NEWLINE and byte != _RETURN):
            return False
        high |= byte
    return high < 128 or _is_utf8(data, start, end)


@helper
def _is_plain(data: Bytes, start: int, end: int) -> bool:
    for i in range(start, end):
        byte = data[i]
        if byte == _DELETE or (byte < 32 and byte != _TAB and byte != _NEWLINE):
            return False
        if byte == _PERCENT and i + 1 < end and _is_word(data[i + 1]):
            return False
    return True


@helper
def _is_word(byte: int) -> bool:
    return 97 <= (byte | 32) <= 122 or 48 <= byte <= 57 or byte == 95


@helper
def _is_utf8(data: Bytes, start: int, end: int) -> bool:
    i = start
    while i < end:
        size = _character(data, i, end)
        if size == 0:
            return False
        i += size
    return True


@helper
def _character(data: Bytes, at: int, end: int) -> int:
    """Bytes of the character at `at`, 0 where there is none. Source: table 3-7 of the Unicode Standard."""
    lead = data[at]
    if lead < 0x80:
        return 1
    size = 2 if 0xC2 <= lead <= 0xDF else 3 if 0xE0 <= lead <= 0xEF else 4 if 0xF0 <= lead <= 0xF4 else 0
    if size == 0 or at + size > end:
        return 0
    least = 0xA0 if lead == 0xE0 else 0x90 if lead == 0xF0 else 0x80
    most = 0x9F if lead == 0xED else 0x8F if lead == 0xF4 else 0xBF
    if not least <= data[at + 1] <= most:
        return 0
    for i in range(at + 2, at + size):
        if not 0x80 <= data[i] <= 0xBF:
            return 0
    return size
