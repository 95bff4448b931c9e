"""Streams: `GET /sse`, also answered at `GET /events`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

from fastapi import Query, Request
from msgspec import Struct
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from pulsestage.domain.policy import Action
from pulsestage.http.caller import caller_of
from pulsestage.http.edge import is_head
from pulsestage.http.event_stream import EventStream
from pulsestage.http.replies import reply
from pulsestage.realtime import negotiate_encoding
from pulsestage.services import sessions, streams

if TYPE_CHECKING:
    from pulsestage.http.admission import Admission
    from pulsestage.realtime import Hub


class StreamQuery(BaseModel):
    """The parameters of a stream."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    events: Annotated[str | None, Field(max_length=1000, examples=["question:created,question:upvoted"])] = None
    """Only these types of events, separated by commas. Frames of the stream itself come nevertheless."""
    team: Annotated[str | None, Field(max_length=63, examples=["engineering"])] = None
    """Only this team's questions, by its id or slug."""
    snapshot: bool = False
    """`1`: begin with a `snapshot`, unless the stream resumes."""
    last_event_id: Annotated[str | None, Field(alias="lastEventId", examples=["7f3a90c1.1042"])] = None
    """The position to resume from; the header `Last-Event-ID` wins over it."""
    ticket: Annotated[str | None, Field(max_length=2000)] = None
    """A one-time ticket of `POST /sse/tickets`, for clients that can't send cookies."""


class StreamCountsView(Struct, frozen=True, rename="camel"):
    """How many streams there are. A moderator sees those of one tenant, so both counts are the same."""

    total_connections: int
    tenant_connections: dict[str, int]
    tenant_count: int


async def stream(request: Request, query: Annotated[StreamQuery, Query()]) -> Response:
    """Follow a tenant's questions as Server-Sent Events.

    The first event is `connected`; with `snapshot=1` a `snapshot` follows. Resume with the `Last-Event-ID` header or
    the `lastEventId` parameter: every event after it comes, in order, once.
    """
    caller = await caller_of(request, tenant_by_cookie=False)
    actor, opened = caller.actor, None
    person = None if caller.is_new else actor.person_id
    if query.ticket is not None:
        session, opened = sessions.open_ticket(caller.context, caller.tenant, query.ticket)
        actor = await sessions.actor_of(caller.context, caller.tenant, session)
        person = actor.person_id
    hub: Hub = request.app.state.hub
    admission: Admission = request.app.state.admission
    address = request.client.host if request.client else ""
    wanted = await streams.request(
        caller.context,
        caller.tenant,
        actor,
        types=[name.strip() for name in (query.events or "").split(",") if name.strip()] or None,
        team=query.team,
        snapshot=query.snapshot,
        last_event_id=request.headers.get("last-event-id") or query.last_event_id,
        holders=admission.check(hub, caller.context.census, caller.tenant.id, address, person),
        encoding=negotiate_encoding(",".join(request.headers.getlist("accept-encoding"))),
    )
    if opened is not None and not is_head(request.scope):
        # Last, so that a request that can't be served leaves its ticket good.
        await sessions.spend(caller.context, caller.tenant, opened)
    return EventStream(
        hub, wanted, partial(admission.check_room, hub, caller.context.census, caller.tenant.id, address, person)
    )


async def metrics(request: Request) -> Response:
    """How many streams the caller's tenant has, for its moderators."""
    caller = await caller_of(request)
    caller.actor.require(Action.MODERATE)
    hub: Hub = request.app.state.hub
    count = hub.connections(caller.tenant.id) + caller.context.census.streams(caller.tenant.id)
    mine = {caller.tenant.id: count} if count else {}
    return reply(StreamCountsView(count, mine, len(mine)))
