"""For whoever runs the server: health and metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import Request
from msgspec import Struct
from starlette.responses import Response

import pulsestage
from pulsestage.domain.errors import NotAllowed, Unavailable
from pulsestage.http.replies import reply

if TYPE_CHECKING:
    from pulsestage.http.metrics import HttpMetrics
    from pulsestage.realtime import Hub
    from pulsestage.services.context import Context


class HealthView(Struct, frozen=True, rename="camel"):
    """That the process answers, and its version."""

    ok: bool
    version: str


class LivenessView(Struct, frozen=True, rename="camel"):
    """That the process answers."""

    ok: bool


class ReadinessView(Struct, frozen=True, rename="camel"):
    """Whether the server can do its work, what fails, and what is slower than it should be."""

    ok: bool
    failing: list[str]
    degraded: list[str]


async def health() -> Response:
    """The process answers."""
    return reply(HealthView(ok=True, version=pulsestage.__version__))


async def live() -> Response:
    """The process answers: for a supervisor that restarts it if not."""
    return reply(LivenessView(ok=True))


async def ready(request: Request) -> Response:
    """The server can do its work: for a load balancer. Names what fails, and what is slower than it should be."""
    context: Context = request.app.state.context
    hub: Hub = request.app.state.hub
    failing = ["stopping"] if request.app.state.stopping else []
    if not hub.running:
        failing.append("streams")
    try:
        await context.directory.check()
    except Unavailable:
        failing.append("database")
    degraded = [] if hub.relay_healthy else ["relay"]
    if not (failing or context.directory.accepts_writes):
        degraded.append("writes")
    return reply(ReadinessView(not failing, failing, degraded), status=503 if failing else 200)


async def metrics(request: Request) -> Response:
    """Everything that is counted, for Prometheus, which asks directly. Whoever comes through a proxy is refused."""
    if "x-forwarded-for" in request.headers or "forwarded" in request.headers:
        raise NotAllowed("Metrics are shown to those who ask this server directly, and not through a proxy.")
    recorded: HttpMetrics = request.app.state.metrics
    context: Context = request.app.state.context
    hub: Hub = request.app.state.hub
    limits = request.app.state.options.streams
    page = recorded.render(hub.stats(), context.census, limits, context.pool_usage())
    return Response(page, media_type="text/plain; version=0.0.4; charset=utf-8")
