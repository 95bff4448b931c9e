"""The wire format: Server-Sent Events. Only bytes are made here; nothing is decided.

A frame is `id:` and `data:` lines and an empty line. What would break it can't get in: ids are positions, whose
alphabet has no line break, and data is JSON in one line. A raw CR or LF in JSON is only white space between tokens, so
a stray one becomes a space (a NUL would be a danger in ids alone). There is never an `event:` line: `onmessage` sees
every frame.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from pulsestage.realtime.event import Event
from pulsestage.realtime.position import Position

_json = msgspec.json.Encoder().encode


def logged(epoch: str, tenant: str, event: Event) -> dict[str, bytes]:
    """The event's frame for each audience that has a variant.

    >>> event = Event(3, "question:removed", 1696765800000, {"public": b'{"id":"q1"}'})
    >>> print(logged("7f3a", "t1", event)["public"].decode(), end="")
    id: 7f3a.3
    data: {"type":"question:removed","tenantId":"t1","data":{"id":"q1"},"timestamp":1696765800000}
    <BLANKLINE>
    """
    head = b"id: %s\n" % str(Position(epoch, event.seq)).encode()
    return {
        audience: head + _message(tenant, event.type, data, event.timestamp)
        for audience, data in event.variants.items()
    }


def connected(position: Position, tenant: str, greeting: Mapping[str, Any], now: int, retry: int) -> bytes:
    """A stream's first frame; `greeting` adds members to it but overwrites none.

    >>> print(connected(Position("7f3a", 2), "t1", {"tenantSlug": "acme"}, 1696765800000, 2500).decode(), end="")
    retry: 2500
    id: 7f3a.2
    data: {"type":"connected","tenantId":"t1","tenantSlug":"acme","timestamp":1696765800000}
    <BLANKLINE>
    """
    envelope = {"type": "connected", "tenantId": tenant}
    stamp = {"timestamp": now}
    json = _json({**envelope, **greeting, **envelope, **stamp})
    return b"retry: %d\nid: %s\ndata: %s\n\n" % (retry, str(position).encode(), _one_line(json))


def snapshot(position: Position, tenant: str, data: bytes, now: int) -> bytes:
    """All there is at this position; `data` is JSON."""
    return b"id: %s\n" % str(position).encode() + _message(tenant, "snapshot", data, now)


def reset(tenant: str, reason: str, now: int) -> bytes:
    """Forget what you have: it can't be continued, and `reason` says why."""
    return _message(tenant, "reset", _json({"reason": reason}), now)


def heartbeat(tenant: str, now: int) -> bytes:
    """Still there. Without an id, since it says nothing of the log.

    >>> print(heartbeat("t1", 1696765800000).decode(), end="")
    data: {"type":"heartbeat","tenantId":"t1","data":{"timestamp":1696765800000},"timestamp":1696765800000}
    <BLANKLINE>
    """
    return _message(tenant, "heartbeat", b'{"timestamp":%d}' % now, now)


def goodbye(tenant: str, reason: str, now: int, retry: int) -> bytes:
    """This stream ends; come back after `retry` ms."""
    return b"retry: %d\n" % retry + _message(tenant, "goodbye", _json({"reason": reason}), now)


def _message(tenant: str, type_: str, data: bytes, timestamp: int) -> bytes:
    return b'data: {"type":%s,"tenantId":%s,"data":%s,"timestamp":%d}\n\n' % (
        _json(type_),
        _json(tenant),
        _one_line(data),
        timestamp,
    )


def _one_line(json: bytes) -> bytes:
    if b"\n" in json or b"\r" in json:
        return json.replace(b"\n", b" ").replace(b"\r", b" ")
    return json
