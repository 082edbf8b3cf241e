"""Kinds for tests of templates: of lines, and many made from few words so that they merge in many ways."""

from collections.abc import Iterable

from hypothesis import strategies as st

from clustering.key import key_of
from clustering.templates import Templates
from schemas.registry import Kind

NAMES = "alice bob carol deploy mallory oncall oracle nagios git www-data backup7 x4 db_reader svc.web".split()


def kind(line: str, app: str = "app") -> Kind:
    return key_of(app, line).kind


def kinds(lines: Iterable[str], app: str = "app") -> list[Kind]:
    return [kind(line, app) for line in lines]


def learnt(*lines: str) -> Templates:
    return Templates().merge(kinds(lines))


def groups(*lines: str) -> list[set[str]]:
    """The lines that share a template, of templates learnt from them all; in order of their first line."""
    found = learnt(*lines).resolve(kinds(lines))
    out: dict[object, set[str]] = {}
    for line, one in zip(lines, found, strict=True):
        assert one is not None
        out.setdefault(one, set()).add(line)
    return list(out.values())


WORDS = st.sampled_from(
    "user for from host alice bob carol dave erin started stopped session opened <*> at file /a/b web.example.net 7 kB "
    "port ERROR INFO state up down x= a=b k=<*> j=1 level=info 'quo ted' read: ( [main] () node-a".split(" ")
)
TEXTS = st.lists(WORDS, min_size=1, max_size=7).map(" ".join)
FRAMES = st.builds(
    lambda frame, a, b: frame.format(a, b),
    st.sampled_from(
        [
            "login of user {} from host {}",
            "session for {} opened",
            "{} reads {} at 7",
            "for user {} in {} x=1",
            "INFO of {} {}",
        ]
    ),
    st.sampled_from(NAMES),
    st.sampled_from(NAMES),
)
KINDS = st.lists(st.builds(kind, st.one_of(TEXTS, FRAMES, FRAMES), st.sampled_from(["a", "b"])), max_size=60)
