"""What stands behind an error."""

from itertools import pairwise

from pipeline.causes import causes


def chain(*errors: Exception) -> Exception:
    for outer, inner in pairwise(errors):
        outer.__cause__ = inner
    return errors[0]


def test_causes_come_from_the_outside_in() -> None:
    one, two, three = ValueError("1"), KeyError("2"), OSError("3")
    assert list(causes(chain(one, two, three))) == [one, two, three]


def test_a_ring_of_causes_ends() -> None:
    one, two = ValueError("1"), KeyError("2")
    assert list(causes(chain(one, two, one))) == [one, two]


def test_without_a_cause_the_context_counts() -> None:
    one, two = ValueError("1"), KeyError("2")
    one.__context__ = two
    assert list(causes(one)) == [one, two]
