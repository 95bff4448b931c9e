"""The application on one screen: what every request passes through, and where it can go."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

import pulsestage
from pulsestage.http import documents, errors, metrics, web
from pulsestage.http.admission import Admission, StreamLimits
from pulsestage.http.compression import Compression
from pulsestage.http.edge import Edge
from pulsestage.http.routing import add_routes

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

SAFE_HEADERS = ["Content-Type", "X-Tenant-ID", "X-Request-ID", "Last-Event-ID", "Cache-Control"]
SHOWN_HEADERS = ["X-Stream-Position", "X-Request-ID", "Link", "Retry-After"]


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """What the HTTP face needs to know of the settings."""

    root_path: str = ""
    home_tenant: str = "default"
    cors_origins: tuple[str, ...] = ()
    cookie_same_site: Literal["lax", "strict", "none"] = "lax"
    max_body_bytes: int = 65_536
    streams: StreamLimits = field(default_factory=StreamLimits)


def create_app(
    options: HttpOptions, lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]] | None = None
) -> FastAPI:
    """The ASGI application. Its lifespan puts `context` and `hub` on `app.state`."""
    app = FastAPI(
        title="PulseStage",
        version=pulsestage.__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_tags=documents.TAGS,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # ours are at /metrics and in the log
    )
    app.state.options = options
    app.state.admission = Admission(options.streams)
    app.state.metrics = metrics.HttpMetrics()

    add_routes(app)
    documents.add_pages(app)
    web.add_pages(app)
    errors.install(app)

    if options.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=options.cors_origins,
            allow_credentials=True,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=SAFE_HEADERS,
            expose_headers=SHOWN_HEADERS,
            max_age=600,
        )
    app.add_middleware(Compression)
    app.add_middleware(
        Edge, metrics=app.state.metrics, max_body_bytes=options.max_body_bytes, root_path=options.root_path
    )
    return app
