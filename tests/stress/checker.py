"""The judge: what a client was told against the log of the database. Knows no socket, no clock and no chance.

A client must have been told every event of its view since it began, in the order of the log, each once, with the data
that is in the log. One thing may be missing: an older count of votes, if a newer count of the same question came.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pulsestage.realtime import InvalidPosition, Position
from tests.convergence.fold import Room
from tests.stress.history import frame_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pulsestage.realtime import Event
    from tests.realtime.support import Frame
    from tests.stress.history import Life, View

FAULTS = ("lost", "repeated", "out of order", "foreign", "altered", "resets", "state mismatches")
MOST_NOTES = 20
OF_ALL_TEAMS = {"tags:changed", "teams:changed"}


@dataclass
class Findings:
    """What is wrong, counted, and the first few in words."""

    counts: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    def note(self, fault: str, text: str) -> None:
        """One more."""
        self.counts[fault] += 1
        if len(self.notes) < MOST_NOTES:
            self.notes.append(f"{fault}: {text}")


class Log:
    """One tenant's whole log, and what each view should be told of it."""

    def __init__(self, epoch: str, events: Sequence[Event]) -> None:
        self.epoch = epoch
        self.events = {event.seq: event for event in events}
        self.head = max(self.events, default=0)
        self._team_of = {
            data["id"]: data["teamId"]
            for event in events
            if event.type == "question:created"
            for data in [json.loads(event.variants["public"])]
        }
        self._told: dict[View, dict[int, dict[str, Any]]] = {}

    def told_to(self, view: View) -> dict[int, dict[str, Any]]:
        """Seq -> data of every event of this view, in order."""
        if view not in self._told:
            self._told[view] = {
                seq: self._data(event, view) for seq, event in self.events.items() if self._is_for(event, view)
            }
        return self._told[view]

    def _is_for(self, event: Event, view: View) -> bool:
        if view.types is not None and event.type not in view.types:
            return False
        if view.team_id is None or event.type in OF_ALL_TEAMS:
            return True
        return bool(self._team_of[json.loads(event.variants["public"])["id"]] == view.team_id)

    def _data(self, event: Event, view: View) -> dict[str, Any]:
        hidden = event.variants.get("moderators") if view.moderates else None
        data: dict[str, Any] = json.loads(hidden or event.variants["public"])
        return data


def check(life: Life, log: Log, truths: Mapping[View, Room], findings: Findings) -> None:
    """Judge one life. `truths` has the room as a fresh list shows it at the end, for the view without its types."""
    judge = _Judge(life, log, findings)
    try:
        for block in life.blocks:
            judge.take(frame_of(block))
    except (AssertionError, KeyError, ValueError, InvalidPosition) as error:
        findings.note("altered", f"no frame of ours: {error!r}")
        return
    judge.look_for_lost()
    if life.complete:
        judge.compare(truths)


class _Judge:
    def __init__(self, life: Life, log: Log, findings: Findings) -> None:
        self._life = life
        self._log = log
        self._findings = findings
        self._mine = log.told_to(life.view)
        self._room = life.listed
        self._start: int | None = Position.parse(life.listed_at).seq if life.listed_at else None
        self._listed_until = Position.parse(life.listed_until).seq if life.listed_until else 0
        self._last_id = life.listed_at
        self._latest = self._start or 0
        self._told: dict[int, None] = {}

    def take(self, frame: Frame) -> None:
        if frame.message["tenantId"] != self._life.view.tenant_id:
            self._note("foreign", f"a {frame.type} of tenant {frame.message['tenantId']}")
        elif frame.type == "connected":
            self._take_connected(frame)
        elif frame.type == "snapshot":
            self._take_snapshot(frame)
        elif frame.type == "reset":
            self._note("resets", str(frame.data))
        elif frame.type not in {"heartbeat", "goodbye"}:
            self._take_event(frame)
        self._last_id = frame.id or self._last_id

    def look_for_lost(self) -> None:
        """Everything of the view up to the end was told, or its count was replaced by one that was."""
        end = self._log.head if self._life.complete else self._latest
        if self._life.complete and (self._life.rest or not self._said_goodbye()):
            self._note("lost", f"the goodbye; instead {self._life.rest[:80]!r}")
        if self._start is None:
            if self._life.complete:
                self._note("lost", "the beginning")
            return
        replaced: set[str] = set() if self._life.complete else self._counts_after(end)
        for seq in reversed(self._mine):
            key = self._log.events[seq].key
            if seq in self._told:
                replaced.update([key] if key else [])
            elif self._start < seq <= end and key not in replaced:
                self._note("lost", f"event {seq}, {self._log.events[seq].type}")

    def compare(self, truths: Mapping[View, Room]) -> None:
        """The room that the client has made of it is the true one."""
        view = self._life.view
        if self._room is not None:
            for difference in self._room.differences(truths[truth_for(view)], view.types):
                self._note("state mismatches", difference)
        elif self._life.snapshot:
            self._note("lost", "the snapshot")

    def _said_goodbye(self) -> bool:
        return bool(self._life.blocks) and frame_of(self._life.blocks[-1]).type == "goodbye"

    def _counts_after(self, end: int) -> set[str]:
        events = self._log.events
        return {key for seq in self._mine if seq > end and (key := events[seq].key) is not None}

    def _take_connected(self, frame: Frame) -> None:
        position = Position.parse(frame.id or "")
        if position.epoch != self._log.epoch:
            self._note("foreign", f"connected at {frame.id}")
        if self._last_id and frame.id != self._last_id:
            self._note("altered", f"connected at {frame.id} after {self._last_id}")
        if not self._last_id and self._life.snapshot and position.seq:
            self._note("altered", f"connected at {frame.id} before the snapshot")
        if self._start is None and not self._life.snapshot:
            self._start = self._latest = position.seq

    def _take_snapshot(self, frame: Frame) -> None:
        if self._start is not None or not self._life.snapshot:
            self._note("repeated", "a snapshot that nobody needed")
        self._room = Room.listed(frame.data)
        self._start = self._latest = Position.parse(frame.id or "").seq

    def _take_event(self, frame: Frame) -> None:
        position = Position.parse(frame.id or "")
        seq = position.seq
        if position.epoch != self._log.epoch or seq not in self._mine:
            self._note("foreign", f"event {frame.id}, {frame.type}")
            return
        logged = self._log.events[seq]
        same = (frame.type, frame.data, frame.message["timestamp"]) == (logged.type, self._mine[seq], logged.timestamp)
        if not same:
            self._note("altered", f"event {seq}: {frame.message}, not {self._mine[seq]}")
        if self._start is None:
            self._note("foreign", f"event {seq} before the snapshot")
        elif seq in self._told or seq <= self._start:
            self._note("repeated", f"event {seq}, {frame.type}")
        elif seq < self._latest:
            self._note("out of order", f"event {seq} after {self._latest}")
        self._told[seq] = None
        self._latest = max(self._latest, seq)
        self._fold(seq, frame)

    def _fold(self, seq: int, frame: Frame) -> None:
        if self._room is None:
            return
        if frame.type == "question:created" and seq <= self._listed_until and frame.data["id"] in self._room.questions:
            return  # a later page of the list had it already
        try:
            self._room = self._room.after(frame.type, frame.data)
        except AssertionError as error:
            self._note("state mismatches", f"at event {seq}: {error}")

    def _note(self, fault: str, text: str) -> None:
        self._findings.note(fault, f"{self._life.view}: {text}")


def truth_for(view: View) -> View:
    """The view of the list to compare with: a list has no types."""
    return replace(view, types=None)
