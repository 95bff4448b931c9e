"""A client of one stream, which minds every promise of the contract while it reads."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pulsestage.realtime import Position
from pulsestage.services import streams
from tests.convergence.fold import ABOUT_THE_STREAM, Json, Room
from tests.realtime.support import Frame, RecordingSink, parse

if TYPE_CHECKING:
    from pulsestage.domain.policy import Actor
    from pulsestage.realtime import EncodingName, Event
    from tests.convergence.world import Place, World


@dataclass(frozen=True)
class Wish:
    """What a stream is asked for; who asks is a number into the people of the room."""

    who: int
    team: int | None
    types: frozenset[str] | None
    snapshot: bool
    """Who doesn't ask for one lists the room first and goes on from there, and lists it again after a reset."""
    encoding: EncodingName


@dataclass(eq=False)
class Reader:
    """Reads a stream, loses it, comes back. `room` is what it has made of it."""

    world: World
    place: Place
    actor: Actor
    wish: Wish
    team_id: str | None
    sink: RecordingSink = field(default_factory=RecordingSink)
    room: Room | None = None
    last_event_id: str | None = None
    """As an EventSource keeps it."""
    position: Position | None = None
    """The room is as of here; None: the stream has to tell."""
    moved_to: Position | None = None
    """The last event's id since the last reset."""
    owed: set[str] = field(default_factory=set)
    """Questions of which an older count was skipped, so that a newer one must come."""
    lost_frames: int = 0
    _taken: int = 0
    _greeted: bool = False
    _inflate: zlib._Decompress | None = None

    @property
    def away(self) -> bool:
        """Whether nothing can come any more."""
        return self.sink.closed or self.sink._gone

    @property
    def up_to_date(self) -> bool:
        """Whether nothing keeps it from knowing all."""
        return not self.away and not self.sink.full

    async def connect(self) -> None:
        """Begin, or begin again where it was."""
        wish = self.wish
        if self.room is None and not wish.snapshot:
            await self._list()
            self.last_event_id = str(self.position)
        self.sink = RecordingSink(wish.encoding)
        self._inflate = zlib.decompressobj(wbits=31) if wish.encoding == "gzip" else None
        self._taken = self.lost_frames = 0
        self._greeted = False
        request = await streams.request(
            self.world.context,
            self.place.tenant,
            self.actor,
            types=None if wish.types is None else sorted(wish.types),
            team=self.team_id,
            snapshot=wish.snapshot,
            last_event_id=self.last_event_id,
            encoding=wish.encoding,
        )
        await self.world.hub.subscribe(request, self.sink)

    def lose_connection(self, frames: int) -> None:
        """The connection breaks, and what was sent last doesn't arrive."""
        self.sink.vanish()
        self.lost_frames = frames

    async def take(self) -> None:
        """Take in what has arrived."""
        payloads = self.sink.payloads[self._taken :]
        self._taken += len(payloads)
        sent = b"".join(payloads)
        text = (self._inflate.decompress(sent) if self._inflate else sent).decode()
        for secret in self.world.secrets_from(self.place, self.actor):
            assert secret not in text, f"{secret} was sent to {self.actor.role.slug}s of {self.place.tenant.slug}"
        frames = list(parse(text))
        for frame in frames[: len(frames) - self.lost_frames]:
            await self._take(frame)
            self.last_event_id = frame.id or self.last_event_id
        self.lost_frames = 0

    def check(self, truth: Room, head: Position) -> None:
        """All of the log has arrived, and the room is as a fresh list shows it."""
        assert self.room is not None, "a snapshot was asked for and never came"
        assert self.position is not None
        assert self.position.epoch == head.epoch
        for seq in range(self.position.seq + 1, head.seq + 1):
            assert not self._is_for_me(self.place.log[head.epoch][seq]), f"event {seq} never came"
        assert not self.owed, "a count was skipped and no newer one came"
        assert self.room.differences(truth, self.wish.types) == []

    # ---- Frames --------------------------------------------------------------------------------

    async def _take(self, frame: Frame) -> None:
        assert frame.message["tenantId"] == self.place.tenant.id
        assert self._greeted or frame.type in {"connected", "goodbye"}
        if frame.type == "snapshot":
            self._take_snapshot(frame)
        elif frame.type not in ABOUT_THE_STREAM:
            self._take_event(frame)
        elif frame.type == "connected":
            self._take_connected(frame)
        else:
            assert frame.id is None
            if frame.type == "reset":
                await self._take_reset(frame)

    def _take_connected(self, frame: Frame) -> None:
        assert not self._greeted
        assert frame.retry is not None
        assert frame.id is not None
        assert frame.message["tenantSlug"] == self.place.tenant.slug
        self._greeted = True

    def _take_snapshot(self, frame: Frame) -> None:
        assert self.wish.snapshot
        assert self.room is None, "a snapshot that nobody needed"
        self._begin(Room.listed(frame.data), Position.parse(frame.id or ""))
        self.moved_to = self.position

    async def _take_reset(self, frame: Frame) -> None:
        assert frame.data["reason"] in {"unknown-position", "expired-position"}
        assert self.world.has_forgotten, "reset without a reason"
        self.room = self.position = self.moved_to = None
        if not self.wish.snapshot:
            await self._list()

    def _take_event(self, frame: Frame) -> None:
        assert frame.id is not None
        position = Position.parse(frame.id)
        event = self.place.log[position.epoch][position.seq]
        assert self._is_for_me(event)
        assert (frame.type, frame.message["timestamp"]) == (event.type, event.timestamp)
        assert frame.data == self._variant(event)
        if self.moved_to is not None:
            assert position.epoch == self.moved_to.epoch
            assert position.seq > self.moved_to.seq, "in order, and each once"
        self.moved_to = position
        assert self.room is not None, "an event before the snapshot"
        assert self.position is not None
        assert self.position.epoch == position.epoch
        if position.seq > self.position.seq:  # or the list was newer
            self._check_between(self.position, position)
            self.owed.discard(frame.data.get("id", ""))
            if event.key is not None and position.seq < self.place.newest_count(position.epoch, event.key):
                self.owed.add(frame.data["id"])
            self.room = self.room.after(frame.type, frame.data)
            self.position = position

    def _check_between(self, before: Position, now: Position) -> None:
        """What was skipped was not for this client, or is a count that a newer one replaces."""
        log = self.place.log[now.epoch]
        for seq in range(before.seq + 1, now.seq):
            if self._is_for_me(log[seq]):
                assert log[seq].type == "question:upvoted", f"event {seq} was skipped"
                self.owed.add(self._variant(log[seq])["id"])

    # ---- What is to be expected ----------------------------------------------------------------

    def _is_for_me(self, event: Event) -> bool:
        wanted = self.wish.types is None or event.type in self.wish.types
        if event.type in {"tags:changed", "teams:changed"} or self.team_id is None:
            return wanted
        return wanted and self.place.team_of[self._variant(event)["id"]] == self.team_id

    def _variant(self, event: Event) -> Json:
        name = next(each for each in self.actor.audiences if each in event.variants)
        data: Json = json.loads(event.variants[name])
        moderates = "moderators" in self.actor.audiences
        for by, since in (("pinnedBy", "pinnedAt"), ("frozenBy", "frozenAt")):
            if by in data:
                assert (data[by] is not None) == (moderates and data[since] is not None)
        return data

    async def _list(self) -> None:
        position, lists = await streams.take_snapshot(self.world.context, self.actor, self.team_id)
        self._begin(Room.listed(json.loads(lists)), position)

    def _begin(self, room: Room, position: Position) -> None:
        self.room, self.position = room, position
        self.owed.clear()
