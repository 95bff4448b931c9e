"""Which events a subscription gets. Decided before bytes are made, and closed where nothing says open."""

from dataclasses import dataclass

from pulsestage.realtime.event import EVERY_TOPIC


@dataclass(frozen=True, slots=True)
class Filter:
    """What a client asked for: only these types, only this topic. None means all.

    >>> Filter(types=frozenset({"question:created"})).passes("question:upvoted", None)
    False
    >>> Filter(topic="team-1").passes("question:created", "team-1")
    True
    >>> Filter(topic="team-1").passes("question:created", None)
    False
    """

    types: frozenset[str] | None = None
    topic: str | None = None

    def passes(self, type_: str, topic: str | None) -> bool:
        """Whether an event of this type and topic is wanted."""
        if self.types is not None and type_ not in self.types:
            return False
        return self.topic is None or topic in (self.topic, EVERY_TOPIC)


@dataclass(frozen=True, slots=True)
class View:
    """What a subscription may see (its audiences, the most privileged first) and wants to see (its filter).

    Streams of one view read the same bytes.

    >>> View(("moderators", "public"), Filter()).variant({"public": b"p", "moderators": b"m"})
    b'm'
    >>> View((), Filter()).variant({"public": b"p"}) is None
    True
    """

    audiences: tuple[str, ...]
    filter: Filter

    def variant(self, variants: "dict[str, bytes]") -> bytes | None:
        """The first variant that one of the audiences may see, or None."""
        for audience in self.audiences:
            if (variant := variants.get(audience)) is not None:
                return variant
        return None
