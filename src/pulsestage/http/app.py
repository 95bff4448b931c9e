"""The application on one screen: what every request passes through, and where it can go."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from fastapi import FastAPI
from starlette.routing import Mount, Route

import pulsestage
from pulsestage.http import documents, errors, metrics, web
from pulsestage.http.admission import Admission, StreamLimits
from pulsestage.http.compression import Compression
from pulsestage.http.direct import DirectRoutes
from pulsestage.http.edge import Edge, PathPrefix
from pulsestage.http.routing import add_routes, expected_answers

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """What the HTTP face needs to know of the settings."""

    root_path: str = ""
    home_tenant: str = "default"
    cors_origins: tuple[str, ...] = ()
    https: bool = False
    """Whether people reach the server by HTTPS, so that cookies are for HTTPS alone, however a request came here."""
    cookie_same_site: Literal["lax", "strict", "none"] = "lax"
    max_body_bytes: int = 65_536
    streams: StreamLimits = field(default_factory=StreamLimits)


def create_app(
    options: HttpOptions, lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]] | None = None
) -> FastAPI:
    """The ASGI application. Its lifespan puts `context` and `hub` on `app.state`; a server that stops says so there."""
    app = FastAPI(
        title="PulseStage",
        version=pulsestage.__version__,
        lifespan=lifespan,
        # A redirect to the address without a slash at its end would lead to whatever host the request names.
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # ours are at /metrics and in the log
    )
    app.state.options = options
    app.state.stopping = False
    app.state.admission = Admission(options.streams)
    app.state.metrics = metrics.HttpMetrics(expected_answers())

    add_routes(app)
    documents.add_pages(app)
    web.add_pages(app)
    errors.install(app)

    app.add_middleware(DirectRoutes, application=app)
    app.add_middleware(Compression)
    app.add_middleware(
        Edge,
        metrics=app.state.metrics,
        max_body_bytes=options.max_body_bytes,
        prefix=PathPrefix(options.root_path, _addresses(app)),
        cors_origins=options.cors_origins,
    )
    return app


def _addresses(app: FastAPI) -> list[str]:
    """The templates of all routes."""
    routes, mounts = ([each for each in app.routes if isinstance(each, kind)] for kind in (Route, Mount))
    return [*(each.path for each in routes), *(f"{each.path}/{{path:path}}" for each in mounts)]
