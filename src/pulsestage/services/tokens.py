"""Signed words between the server and a browser: the session cookie, one-time sign-in links and stream tickets.

Nothing about an unused token is stored: its signature says what it is for. Using one writes its id to the list of
spent tokens, in the same transaction as its effect.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import itsdangerous
from itsdangerous import BadSignature, URLSafeSerializer

from pulsestage.domain.errors import InvalidToken

if TYPE_CHECKING:
    from pulsestage.domain.tenant import Millis

LONGEST_COOKIE = 1024
"""Ours have some 250 characters. A longer one is nobody's session, and is not to fill the memory of those opened."""

Purpose = Literal["sign-in", "stream"]


@dataclass(frozen=True, slots=True)
class Session:
    """Who a browser is in one tenant. A guest has no `member_id`."""

    tenant_id: str
    person_id: str
    member_id: str | None = None


@dataclass(frozen=True, slots=True)
class OneTimeToken:
    """What a token that was opened says. `id` is what is marked as spent."""

    id: str
    tenant_id: str
    expires_at: Millis
    content: dict[str, Any]


class Signer:
    """Makes and opens signed words with one secret."""

    def __init__(self, secret: bytes) -> None:
        # Checked with the first vote of everybody in the hall, so it is the plainest form that the library has: three
        # ids and a signature. The key is derived here once instead of for each cookie.
        key = hmac.digest(secret, b"pulsestage.session", "sha256")
        self._sessions = itsdangerous.Signer(key, key_derivation="none", digest_method=hashlib.sha256)
        self._tokens = {
            purpose: URLSafeSerializer(secret, salt=f"pulsestage.{purpose}") for purpose in ("sign-in", "stream")
        }
        # A browser sends the same cookie with every request; checking it once is enough.
        self._remember_session = lru_cache(maxsize=8192)(self._check_session)

    def seal_session(self, session: Session) -> str:
        """The cookie's value."""
        return self._sessions.sign(f"{session.tenant_id}~{session.person_id}~{session.member_id or ''}").decode()

    def open_session(self, cookie: str) -> Session | None:
        """Whom the cookie names, if this server has sealed it."""
        return self._remember_session(cookie) if len(cookie) <= LONGEST_COOKIE else None

    def _check_session(self, cookie: str) -> Session | None:
        try:
            tenant_id, person_id, member_id = self._sessions.unsign(cookie).decode().split("~")
        except (BadSignature, ValueError):
            return None
        return Session(tenant_id, person_id, member_id or None)

    def seal_token(
        self, purpose: Purpose, tenant_id: str, nonce: str, expires_at: Millis, content: dict[str, Any]
    ) -> str:
        """A one-time token; `nonce` makes it unlike any other and is the id under which it is spent."""
        return str(self._tokens[purpose].dumps([tenant_id, nonce, expires_at, content]))

    def open_token(self, purpose: Purpose, token: str, tenant_id: str, now: Millis) -> OneTimeToken:
        """What the token says. Raises InvalidToken if it is forged, expired or another tenant's."""
        try:
            owner, nonce, expires_at, content = self._tokens[purpose].loads(token)
        except (BadSignature, ValueError, TypeError):
            raise InvalidToken from None
        if owner != tenant_id or now >= expires_at:
            raise InvalidToken
        # The nonce, not a hash of the text, is what is spent: base64 has several texts for the same bytes.
        return OneTimeToken(nonce, tenant_id, expires_at, content)
