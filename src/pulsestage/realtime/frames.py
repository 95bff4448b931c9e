"""The wire format: Server-Sent Events. Only bytes are made here; nothing is decided.

A frame is `data:` lines, an `id:` line and an empty line. The id comes last because some clients take an id as soon as
they read it: cut off in the middle of a snapshot, they would come back with the position of what they never got.

What would break a frame can't get in: ids are positions, whose alphabet has no line break, and data is JSON. A raw CR
or LF in JSON is only white space between tokens, so a stray one becomes a space (a NUL would be a danger in ids alone).
There is never an `event:` line: `onmessage` sees every frame.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from pulsestage.realtime.event import Event
from pulsestage.realtime.position import Position

MAX_LINE_BYTES: Final = 64 * 1024
"""Longest `data:` line: some clients can't read longer ones. A longer text or list of numbers stays whole."""

_ROOM = MAX_LINE_BYTES - len("data: ")
# A comma between two items or members, the second of which begins with a text or a name. Its quote is an opening one,
# because no such byte may follow a closing one; so the comma is outside of texts, where a line break is white space.
_COMMA = re.compile(rb', ?(?=[\[{]*"[^\s,:\]}])')

_json = msgspec.json.Encoder().encode


def logged(epoch: str, tenant: str, event: Event) -> dict[str, bytes]:
    """The event's frame for each audience that has a variant.

    >>> event = Event(3, "question:removed", 1696765800000, {"public": b'{"id":"q1"}'})
    >>> print(logged("7f3a", "t1", event)["public"].decode(), end="")
    data: {"type":"question:removed","tenantId":"t1","data":{"id":"q1"},"timestamp":1696765800000}
    id: 7f3a.3
    <BLANKLINE>
    """
    position = Position(epoch, event.seq)
    return {
        audience: _frame(_envelope(tenant, event.type, data, event.timestamp), position)
        for audience, data in event.variants.items()
    }


def connected(position: Position, tenant: str, greeting: Mapping[str, Any], now: int, retry: int) -> bytes:
    """A stream's first frame; `greeting` adds members to it but overwrites none.

    >>> print(connected(Position("7f3a", 2), "t1", {"tenantSlug": "acme"}, 1696765800000, 2500).decode(), end="")
    retry: 2500
    data: {"type":"connected","tenantId":"t1","tenantSlug":"acme","timestamp":1696765800000}
    id: 7f3a.2
    <BLANKLINE>
    """
    envelope = {"type": "connected", "tenantId": tenant}
    stamp = {"timestamp": now}
    json = _json({**envelope, **greeting, **envelope, **stamp})
    return _retry(retry) + _frame(json, position)


def snapshot(position: Position, tenant: str, data: bytes, now: int) -> bytes:
    """All there is at this position; `data` is JSON."""
    return _frame(_envelope(tenant, "snapshot", data, now), position)


def reset(tenant: str, reason: str, now: int) -> bytes:
    """Forget what you have: it can't be continued, and `reason` says why."""
    return _frame(_envelope(tenant, "reset", _json({"reason": reason}), now))


def heartbeat(tenant: str, now: int) -> bytes:
    """Still there. Without an id, since it says nothing of the log.

    >>> print(heartbeat("t1", 1696765800000).decode(), end="")
    data: {"type":"heartbeat","tenantId":"t1","data":{"timestamp":1696765800000},"timestamp":1696765800000}
    <BLANKLINE>
    """
    return _frame(_envelope(tenant, "heartbeat", b'{"timestamp":%d}' % now, now))


def goodbye(tenant: str, reason: str, now: int, retry: int) -> bytes:
    """This stream ends; come back after `retry` ms."""
    return _retry(retry) + _frame(_envelope(tenant, "goodbye", _json({"reason": reason}), now))


def _envelope(tenant: str, type_: str, data: bytes, timestamp: int) -> bytes:
    return b'{"type":%s,"tenantId":%s,"data":%s,"timestamp":%d}' % (_json(type_), _json(tenant), data, timestamp)


def _retry(milliseconds: int) -> bytes:
    return b"retry: %d\n" % milliseconds


def _frame(json: bytes, position: Position | None = None) -> bytes:
    if b"\n" in json or b"\r" in json:
        json = json.replace(b"\n", b" ").replace(b"\r", b" ")
    lines = json if len(json) <= _ROOM else b"\ndata: ".join(_lines(json))
    return b"data: %b\n\n" % lines if position is None else b"data: %b\nid: %s\n\n" % (lines, str(position).encode())


def _lines(json: bytes) -> Iterator[bytes]:
    start = 0
    while len(json) - start > _ROOM:
        end = _line_end(json, start)
        yield json[start:end]
        start = end
    yield json[start:]


def _line_end(json: bytes, start: int) -> int:
    limit = start + _ROOM
    commas = [comma.end() for comma in _COMMA.finditer(json, start, limit)]
    if commas:
        return commas[-1]
    later = _COMMA.search(json, limit)
    return len(json) if later is None else later.end()
