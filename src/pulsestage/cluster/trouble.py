"""Why a broker can't be used, as an exception."""

from __future__ import annotations

from pulsestage.services import outage


class InvalidRelayUrl(ValueError):
    """This URL names no relay. The message is for the operator and has no password in it."""


class BrokerTrouble(Exception):
    """Why a broker can't be used, in a short sentence without a password."""


def network_trouble(error: BaseException, where: str) -> BrokerTrouble | None:
    """What this says of the network, if it or what it came from does."""
    sentence = outage.network(error, where)
    return BrokerTrouble(sentence) if sentence else None


def closed(where: str) -> BrokerTrouble:
    """It has ended the connection."""
    return BrokerTrouble(outage.closed(where))


def silent(where: str) -> BrokerTrouble:
    """It is there and says nothing, or it isn't there."""
    return BrokerTrouble(outage.silent(where))


def refused(where: str, reason: object) -> BrokerTrouble:
    """It doesn't want to; it says why."""
    return BrokerTrouble(outage.refused(where, reason))
