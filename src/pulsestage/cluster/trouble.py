"""Why a broker can't be used, in words for the log."""

from __future__ import annotations

import ssl


class BrokerTrouble(Exception):
    """Why a broker can't be used, in a short sentence without a password."""


def network_trouble(error: BaseException, where: str) -> BrokerTrouble | None:
    """What this says of the network, if it or what it came from does. Libraries wrap what the system has told them."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, OSError):
        cause = cause.__cause__ or cause.__context__
    match cause:
        case None:
            return None
        case ConnectionRefusedError():
            return BrokerTrouble(f"Connection refused by {where}.")
        case ConnectionResetError() | BrokenPipeError():
            return closed(where)
        case TimeoutError():
            return silent(where)
        case ssl.SSLCertVerificationError():
            return BrokerTrouble(f"The certificate of {where} is not accepted: {cause.verify_message}.")
    return BrokerTrouble(f"{where} can't be reached: {cause.strerror or cause}.")


def closed(where: str) -> BrokerTrouble:
    """It has ended the connection."""
    return BrokerTrouble(f"{where} has closed the connection.")


def silent(where: str) -> BrokerTrouble:
    """It is there and says nothing, or it isn't there."""
    return BrokerTrouble(f"No answer from {where}.")


def refused(where: str, reason: object) -> BrokerTrouble:
    """It doesn't want to; it says why."""
    return BrokerTrouble(f"{where} says: {' '.join(str(reason).split()).rstrip('.')}.")
