"""The form of frames.

Most rules look at the frames of one tour: a stream that began with a reset and a snapshot, and on which, if the suite
may write, a question was asked, voted for and withdrawn.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from uuid import UUID

from pulsestage.cli.conformance.rules import Broken, expect, rule
from pulsestage.cli.conformance.stream import seq_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pulsestage.cli.conformance.probe import Probe
    from pulsestage.cli.conformance.stream import Frame

_FRAMES = "streams.md#frames"
_ITSELF = "streams.md#frames-of-the-stream-itself"
_POSITIONS = "streams.md#positions"
_RECONNECTING = "streams.md#reconnecting"
_SHAPES = "api.md#shapes"

_POSITION = re.compile(r"(?=.{3,84}$)[0-9A-Za-z_-]+\.[0-9]+")
_RETRY = re.compile(rb"retry: ?(\d+)(?:\r\n|\n|\r)")
_MAX_LINE_BYTES = 65_536
_EARLIEST, _LATEST = 10**12, 10**14  # milliseconds: 2001 to the year 5138; seconds and microseconds are outside
_WITHOUT_ID = {"heartbeat", "reset", "goodbye"}
_PERSONAL = {"hasUpvoted", "isMine"}
_NAMES_OF_PEOPLE = re.compile(
    r"author|asker|voter|person|guest|user|email|account|cookie|session|address", re.IGNORECASE
)


@rule(_RECONNECTING)
async def retry_first(probe: Probe) -> None:
    """The first line of a stream is `retry: <ms>`, between 1000 and 4000."""
    await _retry(probe)


@rule(_RECONNECTING)
async def retry_differs(probe: Probe) -> None:
    """`retry` is random, so that not all clients come back in one moment."""
    told = [await _retry(probe) for _ in range(5)]
    expect(len(set(told)) > 1, "different numbers on five streams", told)


async def _retry(probe: Probe) -> int:
    stream = await probe.stream()
    await stream.next("the first frame")
    first = stream.frames[0].raw
    match = _RETRY.match(first)
    told = int(match[1]) if match and len(match[1]) < 9 else 0  # noqa: PLR2004 - digits
    expect(1000 <= told <= 4000, "retry: 1000 to 4000 in the first line", first)  # noqa: PLR2004
    return told


@rule(_ITSELF)
async def connected_first(probe: Probe) -> None:
    """The first frame is `connected`, with `tenantId` (a UUID), `tenantSlug`, `heartbeatSeconds` and `timestamp`."""
    [connected] = await (await probe.stream()).first("connected")
    event = connected.event
    expect(_is_uuid(event.get("tenantId")), "a UUID as tenantId", connected.raw)
    expect(event.get("tenantSlug") == probe.plan.tenant, f"tenantSlug {probe.plan.tenant!r}", connected.raw)
    seconds = event.get("heartbeatSeconds")
    expect(isinstance(seconds, int | float) and seconds > 0, "seconds as heartbeatSeconds", connected.raw)
    expect(_is_time(event.get("timestamp")), "milliseconds since the epoch as timestamp", connected.raw)


@rule(_FRAMES)
async def no_event_field(probe: Probe) -> None:
    """No frame has an `event:` field, so that `onmessage` sees them all."""
    for frame in probe.tour.seen():
        expect(not frame.values("event"), "a frame without event:", frame.raw)


@rule(_FRAMES)
async def line_ends(probe: Probe) -> None:
    """Lines end with LF, and one blank line ends a frame."""
    probe.tour.seen()
    for frame in probe.tour.frames:
        expect(b"\r" not in frame.raw, "no CR", frame.raw)
        expect(not frame.raw.startswith(b"\n"), "one blank line between frames", frame.raw)


@rule(_FRAMES)
async def known_fields(probe: Probe) -> None:
    """A frame has only the fields `retry`, `data` and `id`, the first and the last at most once."""
    probe.tour.seen()
    for frame in probe.tour.frames:
        names = {name for name, _ in frame.fields} - {"event"}  # which has a rule of its own
        once = all(len(frame.values(name)) <= 1 for name in ("retry", "id"))
        expect(names <= {"id", "data", "retry"} and once, "retry, data, id", frame.raw)


@rule(_FRAMES)
async def id_last(probe: Probe) -> None:
    """`id` is the last line of its frame: a client that is cut off before it has not moved on."""
    for frame in probe.tour.seen():
        if frame.values("id"):
            expect(frame.fields[-1][0] == "id", "id behind data", frame.raw)


@rule(_FRAMES)
async def short_lines(probe: Probe) -> None:
    """No line is longer than 64 KiB: longer JSON comes in several `data` lines."""
    for frame in probe.tour.seen():
        longest = max(map(len, frame.raw.split(b"\n")))
        expect(longest <= _MAX_LINE_BYTES, f"lines of at most {_MAX_LINE_BYTES} bytes", f"one of {longest}")


@rule(_FRAMES)
async def json(probe: Probe) -> None:
    """The data of a frame is a JSON object in UTF-8; several `data` lines are one text with line breaks."""
    for frame in probe.tour.seen():
        try:
            frame.raw.decode()
        except UnicodeDecodeError:
            raise Broken("UTF-8", frame.raw) from None
        expect(frame.type, "a JSON object with a type", frame.raw)


@rule(_FRAMES)
async def envelope(probe: Probe) -> None:
    """Every event has `type`, the `tenantId` of `connected`, a `timestamp`, and, but for `connected`, `data`."""
    frames = probe.tour.seen()
    tenant = frames[0].event.get("tenantId")
    for frame in frames:
        expect(frame.event.get("tenantId") == tenant, f"tenantId {tenant}", frame.raw)
        expect(_is_time(frame.event.get("timestamp")), "milliseconds since the epoch as timestamp", frame.raw)
        if frame.type != "connected":
            expect(isinstance(frame.event.get("data"), dict), "data", frame.raw)


@rule(_POSITIONS)
async def ids_where_they_belong(probe: Probe) -> None:
    """`connected`, `snapshot` and every event of the log have an id; `heartbeat`, `reset` and `goodbye` have none."""
    for frame in probe.tour.seen():
        if frame.type in _WITHOUT_ID:
            expect(not frame.values("id"), f"no id on {frame.type}", frame.raw)
        elif frame.is_logged or frame.type in {"connected", "snapshot"}:
            expect(frame.position, "an id", frame.raw)


@rule(_POSITIONS)
async def ids_are_positions(probe: Probe) -> None:
    """An id is `<epoch>.<seq>`: at most 84 characters of `0-9A-Za-z._-`."""
    for frame in probe.tour.seen():
        for each in frame.values("id"):
            expect(_POSITION.fullmatch(each), "<epoch>.<seq>", frame.raw)


@rule(_POSITIONS)
async def ids_grow(probe: Probe) -> None:
    """From event to event of the log, the number in the id grows."""
    before = -1
    for frame in probe.tour.seen():
        if frame.is_logged and frame.values("id"):
            expect(seq_of(frame.position) > before, f"a number above {before}", frame.raw)
            before = seq_of(frame.position)


@rule(_SHAPES)
async def nobody_is_named(probe: Probe) -> None:
    """No frame says who asked or voted, and nothing in it is anybody's cookie."""
    for frame in probe.tour.seen():
        for name, value in _members(frame.event):
            expect(not _NAMES_OF_PEOPLE.search(name), "no member about a person", f"{name!r} in {frame.type}")
            hidden = name in {"pinnedBy", "frozenBy"} and value is not None
            expect(not hidden, f"{name} null for who is no moderator", frame.raw)
        found = [secret for secret in probe.tour.secrets if secret.encode() in frame.raw]
        expect(not found, "no cookie in a frame", frame.raw)


@rule("streams.md#events-of-the-log")
async def nothing_personal_in_events(probe: Probe) -> None:
    """`hasUpvoted` and `isMine` are in snapshots and answers, and in no event of the log."""
    for frame in _logged(probe):
        expect(not _PERSONAL & frame.data.keys(), "an event that is true for everybody", frame.raw)


@rule(_ITSELF, slow=True)
async def heartbeat(probe: Probe) -> None:
    """A `heartbeat` comes every 30 seconds (here: within 35), with a timestamp and without an id."""
    frame = await (await probe.stream()).until("a heartbeat", lambda frame: frame.type == "heartbeat")
    expect(not frame.values("id"), "no id on a heartbeat", frame.raw)
    expect(_is_time(frame.data.get("timestamp")), "data.timestamp in milliseconds", frame.raw)


def _logged(probe: Probe) -> list[Frame]:
    return [frame for frame in probe.tour.seen() if frame.is_logged]


def _members(value: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - any JSON
    """Every name in it, at any depth, with its value."""
    if isinstance(value, dict):
        yield from value.items()
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _members(each)


def _is_uuid(value: object) -> bool:
    try:
        return isinstance(value, str) and str(UUID(value)) == value.lower()
    except ValueError:
        return False


def _is_time(value: object) -> bool:
    return isinstance(value, int) and _EARLIEST < value < _LATEST
