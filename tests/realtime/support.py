"""What tests of the engine share: a clock that stands still, a sink that remembers, a reader of the wire format."""

import asyncio
import heapq
import itertools
import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from pulsestage.realtime import EncodingName, Event, EventStore, Hub, HubSettings, Relay

PUBLIC = ("public",)
MODERATORS = ("moderators", "public")
START = 1_696_765_800_000


class ManualTimer:
    """A call that comes when the clock is moved there."""

    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self.callback = None


class ManualClock:
    """Time passes when a test says so."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._order = itertools.count()
        self._timers: list[tuple[float, int, ManualTimer]] = []

    def time(self) -> float:
        return self.seconds

    def now(self) -> int:
        return START + round(self.seconds * 1000)

    def call_later(self, seconds: float, callback: Callable[[], None]) -> ManualTimer:
        timer = ManualTimer(callback)
        heapq.heappush(self._timers, (self.seconds + seconds, next(self._order), timer))
        return timer

    async def advance(self, seconds: float) -> None:
        """Let time pass, and whatever was due in it happen."""
        end = self.seconds + seconds
        while self._timers and self._timers[0][0] <= end + 1e-9:
            self.seconds, _, timer = heapq.heappop(self._timers)
            if timer.callback is not None:
                timer.callback()
                await settle()
        self.seconds = end
        await settle()


async def settle() -> None:
    """Let the event loop do all it can do without time passing."""
    for _ in range(30):
        await asyncio.sleep(0)


@dataclass
class Frame:
    """One frame as a client sees it."""

    id: str | None
    retry: int | None
    message: dict[str, Any]

    @property
    def type(self) -> str:
        return str(self.message["type"])

    @property
    def data(self) -> Any:
        return self.message.get("data")


def parse(text: str) -> Iterator[Frame]:
    """Frames by the rules of the HTML standard, section 9.2.6; anything else than whole frames is an error."""
    assert text == "" or text.endswith("\n\n"), f"half a frame: {text[-100:]!r}"
    assert "\r" not in text
    assert "\0" not in text
    for block in text.split("\n\n")[:-1]:
        lines = [line.split(": ", 1) for line in block.split("\n")]
        data = "\n".join(value for name, value in lines if name == "data")
        fields = {name: value for name, value in lines if name != "data"}
        assert fields.keys() <= {"id", "retry"}, fields
        assert len(fields) == sum(name != "data" for name, _ in lines), f"a field twice: {block}"
        assert "id" not in fields or lines[-1][0] == "id", f"something behind the id: {block}"
        retry = fields.get("retry")
        yield Frame(fields.get("id"), int(retry) if retry else None, json.loads(data))


@dataclass(eq=False)
class RecordingSink:
    """A sink that keeps all it was given. `stop` makes it full, `drain` takes more, `vanish` is the client leaving."""

    encoding: EncodingName = "identity"
    room: int | None = None
    """Writes until it is full; None: endless."""
    payloads: list[bytes] = field(default_factory=list)
    closed: bool = False
    aborted: bool = False
    ends_itself: bool = True
    """Whether `close` is followed by `on_close`; a stuck client's socket would only do so later."""
    full: bool = False
    on_drain: Callable[[], None] = lambda: None
    on_close: Callable[[], None] = lambda: None
    _gone: bool = False

    def attach(self, on_drain: Callable[[], None], on_close: Callable[[], None]) -> None:
        self.on_drain = on_drain
        self.on_close = on_close

    def write(self, payload: bytes) -> bool:
        if self.closed or self._gone:
            return False
        assert not self.full, "written to a full sink"
        assert payload, "nothing to write"
        self.payloads.append(payload)
        if self.room is not None:
            self.room -= 1
            self.full = self.room <= 0
        return not self.full

    def close(self, farewell: bytes = b"") -> None:
        if not self.closed:
            self.closed = True
            if farewell:
                self.payloads.append(farewell)
            if self.ends_itself:
                self.vanish()

    def abort(self) -> None:
        self.closed = self.aborted = True
        self.vanish()

    def stop(self, room: int = 1) -> None:
        """Be full after so many more writes."""
        self.room = room

    def drain(self, room: int | None = None) -> None:
        """Take more: all, or so many writes."""
        self.room = room
        if self.full and not self._gone:
            self.full = False
            self.on_drain()

    def vanish(self) -> None:
        """The connection is gone."""
        if not self._gone:
            self._gone = True
            asyncio.get_running_loop().call_soon(self.on_close)

    @property
    def text(self) -> str:
        """All that was sent, decoded."""
        data = b"".join(self.payloads)
        if self.encoding == "gzip":
            data = zlib.decompressobj(wbits=31).decompress(data)
        return data.decode()

    @property
    def frames(self) -> list[Frame]:
        """All but heartbeats, which come whenever they come."""
        return [frame for frame in parse(self.text) if frame.type != "heartbeat"]

    @property
    def heartbeats(self) -> list[Frame]:
        return [frame for frame in parse(self.text) if frame.type == "heartbeat"]

    @property
    def types(self) -> list[str]:
        return [frame.type for frame in self.frames]

    @property
    def ids(self) -> list[str | None]:
        return [frame.id for frame in self.frames]


def make_hub(store: EventStore, clock: ManualClock, relay: Relay | None = None, **settings: Any) -> Hub:
    """A hub whose time and chance are the test's."""
    return Hub(store, HubSettings(**settings), relay=relay, clock=clock, random=Random(1))


def event(seq: int, data: bytes = b"{}", **members: Any) -> Event:
    """An event for everybody."""
    return Event(seq, members.pop("type_", "thing:changed"), START, {"public": data}, **members)
