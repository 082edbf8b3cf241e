import pytest

from classifiers.text import LIMIT, input_text
from schemas.registry import Kind


def words(template: str, app: str = "") -> bytes:
    return input_text(Kind("0" * 16, app, template))


@pytest.mark.parametrize(
    ("template", "read"),
    [
        ("OutOfMemoryError: Java heap", b"out of memory error java heap"),
        ("nf_conntrack: table full", b"nf conntrack table full"),
        ("%LINK-3-UPDOWN: Interface <*>", b"link 3 updown interface \x01"),
        ("status=<*5xx> HTTPServer", b"status 5xx http server"),
        ("caf\u00e9 \u0434\u0438\u0441\u043a", "caf\u00e9 \u0434\u0438\u0441\u043a".encode()),
        ("\x01\x1e<*", b""),
    ],
)
def test_words_part_at_punctuation_and_case(template: str, read: bytes) -> None:
    assert words(template).split(b"\x1e")[1].strip() == read


def test_the_program_stands_apart_from_the_message() -> None:
    assert words("Started", app="systemd-logind") == b" systemd logind \x1e started "


def test_a_long_template_is_read_at_its_front() -> None:
    assert len(words("word " * 20_000)) < LIMIT + 20


def test_lone_surrogates_are_read_as_bytes() -> None:
    assert words("disk \udcff full")
