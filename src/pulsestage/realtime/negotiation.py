"""Which content encoding a client takes."""

from collections.abc import Iterable
from typing import Final, TypeVar

from pulsestage.realtime.encoding import EncodingName

Name = TypeVar("Name", bound=str)

_PREFERENCE: Final[tuple[EncodingName, ...]] = ("gzip", "identity")
MAX_ELEMENTS: Final = 50
"""How many codings of an `Accept-Encoding` are read; fewer than half as many are registered."""


def negotiate_encoding(accept_encoding: str) -> EncodingName:
    """The encoding of a stream for a client that sends this `Accept-Encoding`.

    A response that depends on it says `Vary: Accept-Encoding`.

    >>> negotiate_encoding("gzip, deflate, br"), negotiate_encoding("br, gzip;q=0"), negotiate_encoding("")
    ('gzip', 'identity', 'identity')
    """
    return next(iter(accepted_encodings(accept_encoding, _PREFERENCE)), "identity")


def accepted_encodings(accept_encoding: str, offered: Iterable[Name]) -> list[Name]:
    """Those of the offered codings that the client takes, the best first (RFC 9110, section 12.5.3).

    Among equals the order of `offered` decides. `identity` is the last resort, unless the client excludes it.

    >>> accepted_encodings("gzip, br;q=0.5", ["br", "gzip", "identity"])
    ['gzip', 'br', 'identity']
    """
    weights: dict[str, float] = {}
    for element in accept_encoding.lower().split(",", MAX_ELEMENTS)[:MAX_ELEMENTS]:
        coding, *parameters = element.split(";")
        weights[coding.strip()] = _weight(parameters)
    others = weights.get("*")
    if others is None:
        weights.setdefault("identity", 0.0001)  # below the smallest weight that can be written
    weighed = {coding: weights.get(coding, others or 0.0) for coding in offered}
    return sorted((coding for coding in weighed if weighed[coding] > 0), key=lambda coding: -weighed[coding])


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
