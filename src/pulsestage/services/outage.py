"""Why another server can't be used, in sentences for the operator. None has a password in it."""

from __future__ import annotations

import socket
import ssl
from typing import Final

_CLOSED: Final = "{where} has closed the connection."
_SILENT: Final = "No answer from {where}."
_SENTENCES: Final[dict[type[OSError], str]] = {
    ConnectionRefusedError: "Connection refused by {where}. Nothing listens there.",
    FileNotFoundError: "There is no socket of a server at {where}.",
    socket.gaierror: "The name of {where} is not known: {why}.",
    ConnectionResetError: _CLOSED,
    BrokenPipeError: _CLOSED,
    TimeoutError: _SILENT,
    ssl.SSLCertVerificationError: "The certificate of {where} is not accepted: {why}.",
    ssl.SSLError: "No TLS with {where}: {why}.",
}


def network(error: BaseException, where: str) -> str | None:
    """What this says of the network, if it or what it came from does. Libraries wrap what the system has told them."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, OSError):
        cause = cause.__cause__ or cause.__context__
    if cause is None:
        return None
    if "rejected SSL upgrade" in str(cause):  # asyncpg's words
        return f"{where} offers no TLS, and its URL demands it."
    for kind, sentence in _SENTENCES.items():
        if isinstance(cause, kind):
            why = getattr(cause, "verify_message", None) or cause.strerror or str(cause)
            return sentence.format(where=where, why=why.rstrip("."))
    return f"{where} can't be reached: {cause.strerror or cause}."


def closed(where: str) -> str:
    """It has ended the connection."""
    return _CLOSED.format(where=where)


def silent(where: str) -> str:
    """It is there and says nothing, or it isn't there."""
    return _SILENT.format(where=where)


def refused(where: str, reason: object) -> str:
    """It doesn't want to; it says why."""
    return f"{where} says: {' '.join(str(reason).split()).rstrip('.')}."
