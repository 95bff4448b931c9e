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
from typing import TYPE_CHECKING

import msgspec

import pulsestage
from pulsestage.domain import events
from pulsestage.http import example_frames, schemas
from pulsestage.http.routes.streams import StreamQuery
from pulsestage.http.schemas import POSITION, Schema, described, ref
from pulsestage.realtime import EXPIRED_POSITION, UNKNOWN_POSITION
from pulsestage.realtime.frames import MAX_LINE_BYTES
from pulsestage.realtime.subscription import GONE, SERVER_ERROR
from pulsestage.services import wire
from pulsestage.services.views import SnapshotView

if TYPE_CHECKING:
    from collections.abc import Iterator

_DESCRIPTION = f"""\
One tenant's state, and then every change of it, as Server-Sent Events. It can be interrupted and resumed at any moment.

Every frame is an unnamed message: there is no `event:` field, the type is in the JSON of `data`. JSON of more than
{MAX_LINE_BYTES // 1024} KiB comes in several `data` lines: put together with line breaks, as the standard says, they
are the JSON again. The fields beside `data` are described as each message's headers: `retry`, which stands before it,
is how many milliseconds to wait before coming back; `id`, which stands after it, is the position up to which the client
then knows everything, to be sent back as `Last-Event-ID`. A frame without `id` leaves the position where it is.

Members and types are added over time: ignore what you don't know. Addresses are relative to the one this document is
found at."""

_QUERY = {
    "tenantId": "The tenant's slug; `default` if missing.",
    **{field.alias or name: field.description for name, field in StreamQuery.model_fields.items()},
}

_ID = {"type": "string", "format": "uuid"}
_MILLIS = {"type": "integer", "minimum": 0}
_BESIDE: Schema = {"tenantSlug": {"type": "string"}, "heartbeatSeconds": {"type": "number", "exclusiveMinimum": 0}}
_FIELDS = {
    "id": POSITION,
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
    def name(self) -> str:
        """The type as names are written: `QuestionCreated` for `question:created`."""
        return "".join(word.capitalize() for word in self.type.split(":"))

    @property
    def key(self) -> str:
        """The message's key in the document."""
        return self.name[0].lower() + self.name[1:]

    def schemas(self) -> Iterator[tuple[str, Schema]]:
        """What is named after the message: the whole JSON, and its data unless that has a struct, and so a name."""
        members: Schema = {"type": {"type": "string", "const": self.type}, "tenantId": _ID}
        members |= {name: _BESIDE[name] for name in self.beside}
        if self.data is not None and "$ref" not in self.data:
            yield f"{self.name}Data", {"title": f"{self.name}Data", **self.data}
            members["data"] = ref(f"{self.name}Data")
        elif self.data is not None:
            members["data"] = self.data
        members["timestamp"] = _MILLIS
        yield self.name, {"title": self.name, "description": self.summary, **described(members, "Frame")}


def messages() -> Iterator[Message]:
    """Every type that a stream can carry."""
    beside = ("tenantSlug", "heartbeatSeconds")
    yield Message("connected", "The first frame of every stream.", ("id", "retry"), beside=beside)
    summary = "All that the stream's filter covers, for whoever opened it: replace everything with it."
    yield Message("snapshot", summary, ("id",), ref(SnapshotView.__name__))
    kinds: tuple[type[events.Event], ...] = (
        *events.QuestionEvent.__subclasses__(),
        events.TagsChanged,
        events.TeamsChanged,
    )
    sentences = {kind.type: inspect.getdoc(kind) or "" for kind in kinds}
    for type_ in events.EVENT_TYPES:
        yield Message(type_, sentences[type_], ("id",), ref(wire.DATA[type_].__name__))
    yield Message("heartbeat", "The stream is still there.", (), described({"timestamp": _MILLIS}, "Frame"))
    summary = "What the client has can't be continued: forget it."
    yield Message("reset", summary, (), _reason("Reset", UNKNOWN_POSITION, EXPIRED_POSITION))
    summary = "The server ends this stream: come back, unless it is `gone`, as the tenant was deleted."
    yield Message("goodbye", summary, ("retry",), _reason("Goodbye", "shutdown", SERVER_ERROR, GONE))


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
            "headers": described({name: _FIELDS[name] for name in message.fields}, "Frame"),
            "payload": ref(message.name),
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
    """All that has a name: each message's JSON, what its data is, what is in that, and one that is any of them."""
    named = schemas.of_structs(dict.fromkeys([*wire.DATA.values(), SnapshotView]))
    for message in messages():
        named |= message.schemas()
    any_of_them: Schema = {"title": "StreamMessage", "description": "The JSON of any frame."}
    any_of_them["oneOf"] = [ref(each.name) for each in messages()]
    return schemas.name_enumerations(named | {"StreamMessage": any_of_them})


def _reason(owner: str, *reasons: str) -> Schema:
    return described({"reason": {"type": "string", "title": f"{owner}Reason", "enum": list(reasons)}}, "Frame")
