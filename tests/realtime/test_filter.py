import pytest

from pulsestage.realtime import EVERY_TOPIC, Filter
from pulsestage.realtime.filter import View


@pytest.mark.parametrize(
    "types,topic,passes",
    [
        (None, None, True),
        (frozenset({"a"}), None, True),
        (frozenset({"b"}), None, False),
        (frozenset(), None, False),
        (None, "x", True),
        (None, "y", False),
        (frozenset({"a"}), "y", False),
    ],
)
def test_filter(types: frozenset[str] | None, topic: str | None, passes: bool) -> None:  # noqa: FBT001
    assert Filter(types, topic).passes("a", "x") is passes


def test_an_event_without_a_topic_passes_no_topic_filter() -> None:
    assert Filter().passes("a", None)
    assert not Filter(topic="x").passes("a", None)


def test_an_event_of_every_topic_passes_each() -> None:
    assert Filter(topic="x").passes("a", EVERY_TOPIC)
    assert not Filter(frozenset({"b"}), "x").passes("a", EVERY_TOPIC)


@pytest.mark.parametrize(
    "audiences,variant",
    [
        (("moderators", "public"), b"m"),
        (("public", "moderators"), b"p"),
        (("person:1", "public"), b"p"),
        (("person:1",), None),
        ((), None),
    ],
)
def test_a_view_gets_the_first_variant_that_its_audiences_name(
    audiences: tuple[str, ...], variant: bytes | None
) -> None:
    assert View(audiences, Filter()).variant({"public": b"p", "moderators": b"m"}) == variant


def test_equal_views_are_one_key() -> None:
    assert len({View(("a",), Filter(frozenset({"x", "y"}))), View(("a",), Filter(frozenset({"y", "x"})))}) == 1
