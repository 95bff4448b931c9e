"""Streams: `GET /sse`, also answered at `GET /events`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import Query, Request
from starlette.responses import Response

from pulsestage.domain.errors import Unavailable
from pulsestage.domain.policy import Action
from pulsestage.http.caller import caller_of
from pulsestage.http.event_stream import EventStream
from pulsestage.http.replies import reply
from pulsestage.services import sessions, streams

if TYPE_CHECKING:
    from pulsestage.http.app import HttpOptions
    from pulsestage.realtime import Hub


async def stream(
    request: Request,
    *,
    events: Annotated[str | None, Query(max_length=1000, examples=["question:created,question:upvoted"])] = None,
    team: Annotated[str | None, Query(max_length=63)] = None,
    snapshot: bool = False,
    last_event_id: Annotated[str | None, Query(alias="lastEventId", max_length=200)] = None,
    ticket: Annotated[str | None, Query(max_length=2000)] = None,
) -> Response:
    """Follow a tenant's questions as Server-Sent Events.

    The first event is `connected`; with `snapshot=1` a `snapshot` follows. Resume with the `Last-Event-ID` header or
    the `lastEventId` parameter: every event after it comes, in order, once.
    """
    caller = await caller_of(request)
    actor = caller.actor
    if ticket is not None:
        session = await sessions.use_ticket(caller.context, caller.tenant, ticket)
        actor = await sessions.actor_of(caller.context, caller.tenant, session)
    wanted = await streams.request(
        caller.context,
        caller.tenant,
        actor,
        types=[name.strip() for name in (events or "").split(",") if name.strip()] or None,
        team=team,
        snapshot=snapshot,
        last_event_id=request.headers.get("last-event-id") or last_event_id,
        encoding="gzip" if "gzip" in request.headers.get("accept-encoding", "") else "identity",
    )
    hub: Hub = request.app.state.hub
    _check_room(hub, caller.tenant.id, request.app.state.options)
    return EventStream(hub, wanted)


async def metrics(request: Request) -> Response:
    """How many streams the caller's tenant has, for its moderators."""
    caller = await caller_of(request)
    caller.actor.require(Action.MODERATE)
    hub: Hub = request.app.state.hub
    count = hub.stats().connections.get(caller.tenant.id, 0)
    mine = {caller.tenant.id: count} if count else {}
    return reply({"totalConnections": count, "tenantConnections": mine, "tenantCount": len(mine)})


def _check_room(hub: Hub, tenant_id: str, options: HttpOptions) -> None:
    """Refuse a stream too many rather than end one that runs."""
    if hub.connections(tenant_id) >= options.max_streams_per_tenant or hub.total_connections >= options.max_streams:
        raise Unavailable("This server has as many streams as it may; try again later.", retry_after_seconds=10)
