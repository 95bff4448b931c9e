"""The streams described: an AsyncAPI 3 document, made from what the streams are made from.

The types and what they tell are the domain's events, their data the structs that are encoded, the examples real frames.
What has no struct, the envelope and the frames of the stream itself, is written here;
`tests/http/test_asyncapi.py` holds all of it to a real stream.
"""

from __future__ import annotations

import inspect
import json
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec

import pulsestage
from pulsestage.domain import events
from pulsestage.http import example_frames
from pulsestage.http.meanings import MEANINGS
from pulsestage.realtime import EXPIRED_POSITION, UNKNOWN_POSITION
from pulsestage.realtime.subscription import SERVER_ERROR
from pulsestage.services import wire
from pulsestage.services.views import SnapshotView

if TYPE_CHECKING:
    from collections.abc import Iterator

Schema = dict[str, Any]

_DESCRIPTION = """\
One tenant's state, and then every change of it, as Server-Sent Events. It can be interrupted and resumed at any moment.

Every frame is an unnamed message: there is no `event:` field, the type is in the JSON of `data`. The fields beside
`data` are described as each message's headers: `id` is the position up to which the client then knows everything, to be
sent back as `Last-Event-ID`; `retry` is how many milliseconds to wait before coming back. A frame without `id` leaves
the position where it is.

Members and types are added over time: ignore what you don't know. Addresses are relative to the one this document is
found at."""

_QUERY = {
    "tenantId": "The tenant's slug; `default` if missing.",
    "events": "Only these types of events, separated by commas. Frames of the stream itself come nevertheless.",
    "team": "Only this team's questions, by its id or slug.",
    "snapshot": "`1`: begin with a `snapshot`, unless the stream resumes.",
    "lastEventId": "The position to resume from; the header `Last-Event-ID` wins over it.",
    "ticket": "A one-time ticket of `POST /sse/tickets`, for clients that can't send cookies.",
}

_ID = {"type": "string", "format": "uuid"}
_MILLIS = {"type": "integer", "minimum": 0}
_FIELDS = {
    "id": {"type": "string", "pattern": r"^[0-9A-Za-z_-]{1,64}\.(0|[1-9][0-9]{0,18})$", "maxLength": 84},
    "retry": {"type": "integer", "minimum": 1},
}


@dataclass(frozen=True, slots=True)
class Message:
    """One type of frame: the SSE fields it has beside `data`, and the JSON that `data` is."""

    type: str
    summary: str
    fields: tuple[str, ...] = ()
    data: Schema | None = None
    beside: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The type as the document's keys may be written."""
        noun, _, verb = self.type.partition(":")
        return noun + verb.capitalize()

    def payload(self) -> Schema:
        """The schema of the whole JSON."""
        members: Schema = {"type": {"const": self.type}, "tenantId": _ID}
        members |= {name: {"type": "string"} for name in self.beside}
        members |= {} if self.data is None else {"data": self.data}
        members |= {"timestamp": _MILLIS}
        return _described(members, "Frame")


def messages() -> Iterator[Message]:
    """Every type that a stream can carry."""
    yield Message("connected", "The first frame of every stream.", ("id", "retry"), beside=("tenantSlug",))
    summary = "All that the stream's filter covers, for whoever opened it: replace everything with it."
    yield Message("snapshot", summary, ("id",), _ref(SnapshotView))
    kinds: tuple[type[events.Event], ...] = (
        *events.QuestionEvent.__subclasses__(),
        events.TagsChanged,
        events.TeamsChanged,
    )
    sentences = {kind.type: inspect.getdoc(kind) or "" for kind in kinds}
    for type_ in events.EVENT_TYPES:
        yield Message(type_, sentences[type_], ("id",), _ref(wire.DATA[type_]))
    yield Message("heartbeat", "The stream is still there.", (), _described({"timestamp": _MILLIS}, "Frame"))
    summary = "What the client has can't be continued: forget it."
    yield Message("reset", summary, (), _reason(UNKNOWN_POSITION, EXPIRED_POSITION))
    yield Message("goodbye", "The server ends this stream: come back.", ("retry",), _reason("shutdown", SERVER_ERROR))


@cache
def as_json() -> bytes:
    """The document as it is served."""
    return msgspec.json.encode(describe())


def describe() -> Schema:
    """The document."""
    keys = [message.key for message in messages()]
    query = {name: {"type": "string", "description": meaning} for name, meaning in _QUERY.items()}
    binding = {"method": "GET", "query": {"type": "object", "properties": query}, "bindingVersion": "0.3.0"}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "PulseStage streams",
            "version": pulsestage.__version__,
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {
            "stream": {
                "address": "/sse",
                "summary": "One tenant's stream, `text/event-stream`. Also answered at `/events`.",
                "messages": {key: {"$ref": f"#/components/messages/{key}"} for key in keys},
            }
        },
        "operations": {
            "follow": {
                "action": "send",
                "summary": "PulseStage sends these to whoever has opened the stream.",
                "channel": {"$ref": "#/channels/stream"},
                "messages": [{"$ref": f"#/channels/stream/messages/{key}"} for key in keys],
                "bindings": {"http": binding},
            }
        },
        "components": {"messages": _messages(), "schemas": _schemas()},
    }


def _messages() -> Schema:
    frames = example_frames.every_type()
    return {
        message.key: {
            "name": message.type,
            "title": message.type,
            "summary": message.summary,
            "headers": _described({name: _FIELDS[name] for name in message.fields}, "Frame"),
            "payload": message.payload(),
            "examples": [_example(frames[message.type])],
        }
        for message in messages()
    }


def _example(frame: bytes) -> Schema:
    fields: Schema = dict(line.split(": ", 1) for line in frame.decode().splitlines() if line)
    payload = json.loads(fields.pop("data"))
    if "retry" in fields:
        fields["retry"] = int(fields["retry"])
    return {"headers": fields, "payload": payload}


def _schemas() -> Schema:
    """What the structs say, with what their members mean."""
    structs = dict.fromkeys([*wire.DATA.values(), SnapshotView])
    _, schemas = msgspec.json.schema_components(structs, ref_template="#/components/schemas/{name}")
    return {name: schema | _described(schema["properties"], name) for name, schema in schemas.items()}


def _described(members: Schema, owner: str) -> Schema:
    """An object whose members are always there, as they are: what is not there is null."""
    properties = {
        name: schema if "$ref" in schema else {**schema, "description": _meaning(owner, name)}
        for name, schema in members.items()
    }
    return {"type": "object", "properties": properties, "required": list(members)}


def _meaning(owner: str, name: str) -> str:
    return MEANINGS.get(f"{owner}.{name}") or MEANINGS[name]


def _reason(*reasons: str) -> Schema:
    return _described({"reason": {"type": "string", "enum": list(reasons)}}, "Frame")


def _ref(struct: type[msgspec.Struct]) -> Schema:
    return {"$ref": f"#/components/schemas/{struct.__name__}"}
