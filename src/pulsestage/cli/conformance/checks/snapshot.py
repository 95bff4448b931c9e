"""Snapshots, and the lists that they must be equal to."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from pulsestage.cli.conformance.rules import Broken, Skipped, expect, rule

if TYPE_CHECKING:
    from pulsestage.cli.conformance.guest import Guest
    from pulsestage.cli.conformance.probe import Probe
    from pulsestage.cli.conformance.stream import Frame

_ITSELF = "streams.md#frames-of-the-stream-itself"
_POSITIONS = "streams.md#positions"
_MEMBERS = {
    "questions": "id tenantId teamId body upvotes status responseText respondedAt createdAt updatedAt isPinned pinnedAt"
    " isFrozen frozenAt tags hasUpvoted isMine",
    "tags": "id tenantId name color description createdAt",
    "teams": "id tenantId name slug description isActive createdAt",
}
_SECONDS_TO_LEAVE = 1.0
"""So long before the check's end it gives up waiting for a moment without changes."""


async def _take(probe: Probe, guest: Guest | None = None) -> Frame:
    headers = guest.cookie if guest else {}
    return (await (await probe.stream({"snapshot": "1"}, headers)).first("connected", "snapshot"))[1]


@rule(_ITSELF)
async def snapshot_follows_connected(probe: Probe) -> None:
    """With `snapshot=1`, the frame after `connected` is a `snapshot` of questions, tags and teams."""
    snapshot = await _take(probe)
    for name in _MEMBERS:
        expect(isinstance(snapshot.data.get(name), list), f"an array {name}", snapshot.raw)


@rule(_ITSELF)
async def no_snapshot_unasked(probe: Probe) -> None:
    """Who doesn't ask for a snapshot gets none, after a `reset` neither."""
    stream = await probe.stream({"snapshot": "0", "lastEventId": "no-such-epoch.1"})
    await stream.first("connected", "reset")
    if probe.plan.writes:
        await stream.of_question("question:created", await probe.guest().ask())
    expect(all(frame.type != "snapshot" for frame in stream.frames), "no snapshot", stream.frames[-1].raw)


@rule(_POSITIONS)
async def connected_before_a_snapshot(probe: Probe) -> None:
    """The id of `connected` is `<epoch>.0` if a snapshot follows, in the epoch of the snapshot."""
    connected, snapshot = await (await probe.stream({"snapshot": "1"})).first("connected", "snapshot")
    nothing = f"{snapshot.position.rpartition('.')[0]}.0"
    expect(connected.position == nothing, f"id: {nothing}", connected.raw)


@rule("api.md#shapes")
async def shapes(probe: Probe) -> None:
    """Questions, tags and teams of a snapshot have all their members; what is not there is null."""
    snapshot = await _take(probe)
    for kind, members in _MEMBERS.items():
        for each in snapshot.data[kind]:
            missing = set(members.split()) - each.keys()
            expect(not missing, f"{kind} with {', '.join(sorted(missing))}", each)


@rule(_ITSELF, alone=True)
async def snapshot_equals_lists(probe: Probe) -> None:
    """A snapshot is what `GET /questions`, `/tags` and `/teams` say at the same position."""
    guest = await probe.guest().arrive()
    loop = asyncio.get_running_loop()
    while loop.time() < probe.deadline - _SECONDS_TO_LEAVE:
        snapshot = await _take(probe, guest)
        questions, positions = await probe.questions(guest)
        lists = {"questions": questions}
        for name in ("tags", "teams"):
            answer = (await guest.request("GET", f"/{name}")).must_be(200)
            positions.add(answer.position)
            lists[name] = _by_id(answer.json())
        if positions == {snapshot.position}:
            for name, listed in lists.items():
                _compare(name, _by_id(snapshot.data[name]), listed)
            return
        await asyncio.sleep(0.05)
        for position in positions:
            expect(position, "X-Stream-Position on lists", "a list without it")
    raise Skipped("the tenant changed between the snapshot and the lists, again and again")


def _by_id(things: list[dict[str, Any]]) -> dict[str, Any]:
    return {each["id"]: each for each in things}


def _compare(name: str, shown: dict[str, Any], listed: dict[str, Any]) -> None:
    expect(
        shown.keys() == listed.keys(),
        f"the {len(listed)} {name} of the list",
        f"{len(shown)}, of which {len(shown.keys() - listed.keys())} are not in the list",
    )
    for each, wanted in listed.items():
        for member, value in wanted.items():
            if shown[each].get(member) != value:
                raise Broken(f"{member} {value!r} as listed, in {name} {each}", shown[each].get(member))


@rule(_POSITIONS, writes=True)
async def snapshot_then_events(probe: Probe) -> None:
    """A stream that resumes at a snapshot's id has what changed after it, and no new snapshot."""
    guest = probe.guest()
    known = await guest.ask()
    snapshot = await _take(probe)
    expect(known["id"] in _by_id(snapshot.data["questions"]), "the question asked before it", "a snapshot without it")
    asked = await guest.ask()
    stream = await probe.stream({"snapshot": "1", "lastEventId": snapshot.position})
    await stream.of_question("question:created", asked)
    expect(known["id"] not in stream.created(), "nothing that the snapshot shows", stream.frames[-1].raw)
    expect(all(frame.type != "snapshot" for frame in stream.frames), "no snapshot", stream.frames[1].raw)


@rule(_ITSELF, writes=True)
async def snapshot_for_whom_it_is(probe: Probe) -> None:
    """`isMine` and `hasUpvoted` in a snapshot are about whoever opened the stream."""
    asker, voter, other = probe.guest(), probe.guest(), probe.guest()
    asked = await asker.ask()
    (await voter.vote(asked)).must_be(200)
    for guest, wanted in ((asker, (True, False)), (voter, (False, True)), (other, (False, False))):
        snapshot = await _take(probe, guest)
        its = _by_id(snapshot.data["questions"])[asked["id"]]
        told = (its["isMine"], its["hasUpvoted"])
        expect(told == wanted, f"isMine, hasUpvoted {wanted}", told)
