"""What proxies say of the way a request came."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

if TYPE_CHECKING:
    from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, Scope

_PROTO: Final = b"x-forwarded-proto"


class ProxyHeaders(ProxyHeadersMiddleware):
    """uvicorn's middleware, which decides whom to believe, for chains of proxies too.

    It understands X-Forwarded-Proto only as one value in small letters. Of several, one for each proxy, the first is
    how the browser came; and the name of a scheme has no case (RFC 3986, section 3.1).
    """

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Serve one request."""
        if scope["type"] != "lifespan":
            told = [value for name, value in scope["headers"] if name == _PROTO]
            if told:
                first = told[0].partition(b",")[0].strip().lower()
                others = [field for field in scope["headers"] if field[0] != _PROTO]
                scope["headers"] = [*others, (_PROTO, first)]
        await super().__call__(scope, receive, send)
