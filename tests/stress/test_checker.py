"""The judge of the stress run finds what is wrong, and nothing where nothing is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pulsestage.realtime import Event, Position, frames
from tests.convergence.fold import Room
from tests.stress.checker import Findings, Log, check, truth_for
from tests.stress.history import Life, View

EPOCH = "7f3a"
TENANT = "t1"
STAMP = "2026-01-01T00:00:00.000Z"


def event(seq: int, kind: str, question: str, *, key: str | None = None, **data: Any) -> Event:
    content = json.dumps({"id": question, "questionId": question, **data}).encode()
    return Event(seq, f"question:{kind}", 1000 + seq, {"public": content}, topic=None, key=key)


def created(seq: int, question: str) -> Event:
    return event(
        seq, "created", question, body="Why?", upvotes=0, status="OPEN", teamId=None, createdAt=STAMP
    )  # fmt: skip


def voted(seq: int, question: str, count: int) -> Event:
    return event(seq, "upvoted", question, key=f"upvotes:{question}", upvotes=count)


EVENTS = [created(1, "a"), created(2, "b"), voted(3, "a", 1), voted(4, "b", 1), voted(5, "a", 2), voted(6, "a", 3)]
EVENTS += [event(7, "removed", "b")]
LOG = Log(EPOCH, EVENTS)
VIEW = View(TENANT)
NOBODY = Room({}, [], [])


def room_after(events: list[Event]) -> Room:
    room = NOBODY
    for each in events:
        room = room.after(each.type, json.loads(each.variants["public"]))
    return room


TRUTHS = {VIEW: room_after(EVENTS)}


def block(each: Event, epoch: str = EPOCH) -> bytes:
    return frames.logged(epoch, TENANT, each)["public"].removesuffix(b"\n\n")


def connected(seq: int, epoch: str = EPOCH) -> bytes:
    return frames.connected(Position(epoch, seq), TENANT, {}, 1, 1000).removesuffix(b"\n\n")


SNAPSHOT = frames.snapshot(Position(EPOCH, 0), TENANT, b'{"questions":[],"tags":[],"teams":[]}', 1).removesuffix(
    b"\n\n"
)
GOODBYE = frames.goodbye(TENANT, "shutdown", 1, 1000).removesuffix(b"\n\n")
TOLD = [block(each) for each in EVENTS]


def life(*blocks: bytes, complete: bool = True) -> Life:
    """Somebody who listed an empty room and then was told this."""
    start = f"{EPOCH}.0"
    told = [connected(0), *blocks, *([GOODBYE] if complete else [])]
    return Life(VIEW, listed=NOBODY, listed_at=start, listed_until=start, blocks=told, complete=complete)


def found(*lives: Life) -> dict[str, int]:
    findings = Findings()
    for each in lives:
        check(each, LOG, TRUTHS, findings)
    return dict(findings.counts)


def test_a_true_history_is_found_good() -> None:
    assert found(life(*TOLD)) == {}


def test_a_connection_that_broke_and_was_resumed_is_good() -> None:
    assert found(life(*TOLD[:3], connected(3), *TOLD[3:])) == {}


def test_an_older_count_may_be_left_out_if_a_newer_one_came() -> None:
    assert found(life(TOLD[0], TOLD[1], TOLD[3], TOLD[5], TOLD[6])) == {}


def test_somebody_who_left_in_the_middle_of_a_batch_was_told_enough() -> None:
    assert found(life(TOLD[0], TOLD[1], TOLD[3], complete=False)) == {}, "event 3 is replaced by 5 and 6, still to come"


def test_a_snapshot_begins_a_history() -> None:
    told = Life(VIEW, snapshot=True, blocks=[connected(0), SNAPSHOT, *TOLD, GOODBYE], complete=True)
    assert found(told) == {}


def test_who_began_with_nothing_is_told_what_follows() -> None:
    assert found(Life(VIEW, blocks=[connected(4), *TOLD[4:], GOODBYE], complete=True)) == {}


WRONG: dict[str, tuple[Life, set[str]]] = {
    "lost in the middle": (life(TOLD[0], *TOLD[2:]), {"lost"}),
    "lost at the end": (life(*TOLD[:6]), {"lost", "state mismatches"}),
    "lost before leaving": (life(TOLD[1], TOLD[2], complete=False), {"lost"}),
    "lost at a reconnect": (life(*TOLD[:6], connected(6)), {"lost", "state mismatches"}),
    "the newest count lost": (life(*TOLD[:5], TOLD[6]), {"lost", "state mismatches"}),
    "never begun": (Life(VIEW, complete=True, blocks=[GOODBYE]), {"lost"}),
    "no goodbye": (Life(VIEW, blocks=[connected(7)], complete=True), {"lost"}),
    "no snapshot": (Life(VIEW, snapshot=True, blocks=[connected(0), GOODBYE], complete=True), {"lost"}),
    "told twice": (life(*TOLD[:6], TOLD[5], TOLD[6]), {"repeated"}),
    "told twice at a reconnect": (life(*TOLD[:6], connected(6), TOLD[5], TOLD[6]), {"repeated"}),
    "told what the list had": (
        Life(VIEW, blocks=[connected(3), *TOLD[2:], GOODBYE], complete=True),
        {"repeated"},
    ),
    "a second snapshot": (
        Life(VIEW, snapshot=True, blocks=[connected(0), SNAPSHOT, SNAPSHOT, *TOLD, GOODBYE], complete=True),
        {"repeated"},
    ),
    "swapped": (life(TOLD[1], TOLD[0], *TOLD[2:]), {"out of order"}),
    "an older count after a newer one": (
        life(*TOLD[:4], TOLD[5], TOLD[4], TOLD[6]),
        {"out of order", "state mismatches"},
    ),
    "an event of nowhere": (life(*TOLD, block(created(8, "c"))), {"foreign"}),
    "of another epoch": (life(*TOLD, block(EVENTS[6], "0000")), {"foreign"}),
    "of another tenant": (life(*TOLD, TOLD[6].replace(b'"t1"', b'"t2"')), {"foreign"}),
    "of a type not asked for": (
        Life(
            View(TENANT, types=frozenset({"question:created"})),
            blocks=[connected(0), *TOLD[:3], GOODBYE],
            complete=True,
        ),
        {"foreign"},
    ),
    "of another team": (
        Life(View(TENANT, team_id="x"), blocks=[connected(0), TOLD[0], GOODBYE], complete=True),
        {"foreign"},
    ),
    "another count": (
        life(*TOLD[:5], TOLD[5].replace(b'upvotes": 3', b'upvotes": 9'), TOLD[6]),
        {"altered", "state mismatches"},
    ),
    "resumed elsewhere": (life(*TOLD[:5], connected(4), *TOLD[5:]), {"altered"}),
    "no frame at all": (life(*TOLD, b"id: 7"), {"altered"}),
    "reset for nothing": (
        life(*TOLD, frames.reset(TENANT, "unknown-position", 1).removesuffix(b"\n\n")),
        {"resets"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("told, faults", WRONG.values(), ids=WRONG)
def test_a_wrong_history_is_found_out(told: Life, faults: set[str]) -> None:
    assert found(told).keys() == faults


def test_a_room_that_is_not_the_true_one_is_found_out() -> None:
    findings = Findings()
    truths = {VIEW: TRUTHS[VIEW].after("question:upvoted", {"id": "a", "questionId": "a", "upvotes": 9})}
    check(life(*TOLD), LOG, truths, findings)
    assert dict(findings.counts) == {"state mismatches": 1}
    assert "upvotes is 3, not 9" in findings.notes[0]


def test_moderators_and_others_are_told_different_things() -> None:
    variants = {
        name: json.dumps({"id": "a", "pinnedBy": by}).encode() for name, by in (("public", None), ("moderators", "m"))
    }
    log = Log(EPOCH, [Event(1, "question:pinned", 1001, variants)])
    told = frames.logged(EPOCH, TENANT, log.events[1])
    for name, moderates, faults in (
        ("public", False, {}),
        ("moderators", True, {}),
        ("moderators", False, {"altered": 1}),
        ("public", True, {"altered": 1}),
    ):
        findings = Findings()
        view = View(TENANT, moderates=moderates)
        check(Life(view, blocks=[connected(0), told[name].removesuffix(b"\n\n")]), log, {}, findings)
        assert dict(findings.counts) == faults


def test_the_truth_is_that_of_the_same_team_and_role() -> None:
    view = View(TENANT, moderates=True, types=frozenset({"question:created"}), team_id="x")
    assert truth_for(view) == View(TENANT, moderates=True, team_id="x")
