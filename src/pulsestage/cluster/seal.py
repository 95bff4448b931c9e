"""What makes a message on a shared broker ours: a sender, and a tag that only who has the server's secret can make.

Another service on the same broker, or a copy of this one with another secret, can be on the same channel by mistake.
Nothing here is hidden: the seal is against what is injected, not against who listens.
"""

from __future__ import annotations

import hmac
import secrets
from hashlib import blake2b
from typing import Final

SENDER_BYTES: Final = 8
TAG_BYTES: Final = 16
SEAL_BYTES: Final = 2 * (SENDER_BYTES + TAG_BYTES)
"""What a seal adds to a message. It is hexadecimal: PostgreSQL carries nothing but text."""

_SENDER_END: Final = 2 * SENDER_BYTES


class Seal:
    """One process's seal. All processes with the same secret open what any of them closed.

    >>> one, other = Seal(b"secret"), Seal(b"secret")
    >>> message = one.close(b"{}")
    >>> one.is_own(message), other.is_own(message), other.open(message)
    (True, False, b'{}')
    >>> Seal(b"another secret").open(message), other.open(b"{}")
    (None, None)
    """

    def __init__(self, secret: bytes) -> None:
        # Derived, so that what is on the broker tells nothing of what else the secret signs.
        self._key = blake2b(secret, person=b"pulsestage relay").digest()
        self._sender = secrets.token_hex(SENDER_BYTES).encode()

    def close(self, data: bytes) -> bytes:
        """Put the seal before it."""
        return self._sender + self._tag(self._sender, data) + data

    def is_own(self, message: bytes) -> bool:
        """Whether this very process has sealed it, judged by the sender alone: an echo is not worth opening."""
        return message.startswith(self._sender)

    def open(self, message: bytes) -> bytes | None:
        """What was sealed, or None: this is nobody's seal."""
        sender, tag, data = message[:_SENDER_END], message[_SENDER_END:SEAL_BYTES], message[SEAL_BYTES:]
        return data if hmac.compare_digest(tag, self._tag(sender, data)) else None

    def _tag(self, sender: bytes, data: bytes) -> bytes:
        return blake2b(sender + data, key=self._key, digest_size=TAG_BYTES).hexdigest().encode()
