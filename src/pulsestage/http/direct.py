"""Direct routes, served before the framework's own layers: votes and streams come in thousands (ADR 8)."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from starlette.requests import Request

from pulsestage.http.edge import has_begun
from pulsestage.http.routing import DirectRoute

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send


class DirectRoutes:
    """ASGI middleware that finds and calls them, and answers their errors as the application does. All else passes."""

    def __init__(self, app: ASGIApp, application: FastAPI) -> None:
        self._app = app
        self._handlers = application.exception_handlers
        self._routes: defaultdict[str, list[DirectRoute]] = defaultdict(list)
        for route in application.routes:
            if isinstance(route, DirectRoute):
                for method in route.methods or ():
                    self._routes[method].append(route)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http":
            path = scope["path"].removeprefix(scope.get("root_path", ""))
            for route in self._routes.get(scope["method"], ()):
                if match := route.path_regex.match(path):
                    scope.update(route=route, endpoint=route.endpoint, path_params=match.groupdict())
                    await self._serve(route, scope, receive, send)
                    return
        await self._app(scope, receive, send)

    async def _serve(self, route: DirectRoute, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await route.app(scope, receive, send)
        except Exception as error:
            handler = next((self._handlers[kind] for kind in type(error).__mro__ if kind in self._handlers), None)
            if handler is None or has_begun(scope):
                raise
            response: Response = await handler(Request(scope, receive), error)  # type: ignore[misc] # all of ours are async
            await response(scope, receive, send)
