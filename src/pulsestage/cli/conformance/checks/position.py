"""Positions: going on where one was, and positions that are no use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pulsestage.cli.conformance.rules import expect, rule
from pulsestage.cli.conformance.stream import seq_of

if TYPE_CHECKING:
    from pulsestage.cli.conformance.probe import Probe
    from pulsestage.cli.conformance.stream import Stream

_POSITIONS = "api.md#positions"
_RESUMING = "streams.md#resuming"
_CREATED = {"events": "question:created"}
"""Of these none is ever left out, as votes may be."""


async def _ask_and_look(probe: Probe, count: int) -> list[tuple[dict[str, Any], str]]:
    """Questions one after another, each with the id of its event."""
    stream = await probe.stream(_CREATED)
    await stream.first("connected")
    guest = probe.guest()
    seen: list[tuple[dict[str, Any], str]] = []
    for _ in range(count):
        asked = await guest.ask()
        seen.append((asked, (await stream.of_question("question:created", asked)).position))
    return seen


async def _begins_after(stream: Stream, known: dict[str, Any], *missed: dict[str, Any]) -> None:
    """The stream has what was missed, in order, and not what was known."""
    for each in missed:
        await stream.of_question("question:created", each)
    expect(known["id"] not in stream.created(), "nothing up to the position", f"{known['id']} again")
    resets = [frame.raw for frame in stream.frames if frame.values("data") and frame.type == "reset"]
    expect(not resets, "no reset", resets[:1])


@rule(_RESUMING, writes=True)
async def resume_by_header(probe: Probe) -> None:
    """With `Last-Event-ID`, everything after that position comes, in order."""
    (known, position), (second, _), (third, _) = await _ask_and_look(probe, 3)
    stream = await probe.stream(_CREATED, {"Last-Event-ID": position})
    await _begins_after(stream, known, second, third)


@rule("RFC 9110, section 5.5", writes=True)
async def resume_with_white_space(probe: Probe) -> None:
    """White space behind the value of `Last-Event-ID` is not part of it."""
    (known, position), (second, _) = await _ask_and_look(probe, 2)
    stream = await probe.stream(_CREATED, {"Last-Event-ID": f"{position} \t"})
    await _begins_after(stream, known, second)


@rule(_RESUMING, writes=True)
async def resume_by_parameter(probe: Probe) -> None:
    """`lastEventId` does the same as the header."""
    (known, position), (second, _), (third, _) = await _ask_and_look(probe, 3)
    await _begins_after(await probe.stream({**_CREATED, "lastEventId": position}), known, second, third)


@rule("streams.md#parameters", writes=True)
async def header_wins(probe: Probe) -> None:
    """If both are there, the header wins."""
    (_, older), (known, newer), (missed, _) = await _ask_and_look(probe, 3)
    stream = await probe.stream({**_CREATED, "lastEventId": older}, {"Last-Event-ID": newer})
    await _begins_after(stream, known, missed)


@rule("streams.md#positions", writes=True)
async def connected_of_a_resumed_stream(probe: Probe) -> None:
    """The id of `connected` is the client's own position if the stream resumes."""
    (_, position), _ = await _ask_and_look(probe, 2)
    [connected] = await (await probe.stream({"lastEventId": position})).first("connected")
    expect(connected.position == position, f"id: {position}", connected.raw)


@rule(_RESUMING, writes=True)
async def no_gap_and_no_repeat(probe: Probe) -> None:
    """Who is away for a while sees the same events, in the same order and once, as who stayed."""
    ours, theirs = probe.guest(), probe.guest()
    steady, first = await probe.stream(_CREATED), await probe.stream(_CREATED)
    for stream in (steady, first):
        await stream.first("connected")
    begin = await ours.ask()
    left = (await first.of_question("question:created", begin)).position
    first.close()
    away = [await ours.ask(), await theirs.ask()]
    back = await probe.stream(_CREATED, {"Last-Event-ID": left})
    await back.of_question("question:created", away[-1])
    end = await theirs.ask()
    await back.of_question("question:created", end)
    await steady.of_question("question:created", end)
    stayed = steady.created()
    stayed = stayed[stayed.index(begin["id"]) + 1 :]
    expect(back.created() == stayed, f"{len(stayed)} questions in the order of {stayed}", back.created())


@rule(_POSITIONS, writes=True)
async def position_of_a_change(probe: Probe) -> None:
    """Every answer to a change has `X-Stream-Position`, and a stream from there on doesn't have this change."""
    guest, voter = probe.guest(), probe.guest()
    asked = await guest.ask()
    votes = [await voter.vote(asked), await voter.take_back(asked)]
    gone = await guest.ask()
    positions = [asked["position"], *(vote.must_be(200).position for vote in votes), gone["position"]]
    positions.append((await guest.withdraw(gone)).must_be(204).position)
    expect(all(positions), "X-Stream-Position on every answer to a change", positions)
    numbers = [seq_of(position) for position in positions]
    expect(numbers == sorted(set(numbers)), "a later position for a later change", positions)
    stream = await probe.stream({**_CREATED, "lastEventId": positions[0]})
    await _begins_after(stream, asked, gone)


@rule(_POSITIONS, writes=True)
async def position_of_a_list(probe: Probe) -> None:
    """A stream from `X-Stream-Position` of `GET /questions` has what the list lacks and nothing that it has."""
    guest = probe.guest()
    known = await guest.ask()
    answer = (await guest.request("GET", "/questions", {"sort": "recent", "limit": "100"})).must_be(200)
    expect(answer.position, "X-Stream-Position on GET /questions", "none")
    listed = {each["id"] for each in answer.json()}
    expect(known["id"] in listed, "the newest question in the list", f"{len(listed)} others")
    asked = await guest.ask()
    stream = await probe.stream(_CREATED | {"lastEventId": answer.position})
    await stream.of_question("question:created", asked)
    repeated = listed.intersection(stream.created())
    expect(not repeated, "nothing that is in the list", sorted(repeated))


@rule(_RESUMING)
async def unknown_position(probe: Probe) -> None:
    """An unknown position is no error: `connected`, then `reset` with `unknown-position`."""
    await _resets(probe, "no-such-epoch.17")


@rule(_RESUMING)
async def reset_then_snapshot(probe: Probe) -> None:
    """If a snapshot was asked for, it follows the `reset`."""
    stream = await probe.stream({"snapshot": "1", "lastEventId": "no-such-epoch.17"})
    await stream.first("connected", "reset", "snapshot")


@rule(_RESUMING)
async def position_in_the_future(probe: Probe) -> None:
    """A number beyond the log's end is an unknown position, however large."""
    [connected] = await (await probe.stream()).first("connected")
    epoch = connected.position.rpartition(".")[0]
    for number in (2**31, 2**53 + 1, 2**63 - 1, 2**63, 2**64, 10**60):
        await _resets(probe, f"{epoch}.{number}")


@rule(_RESUMING)
async def malformed_position(probe: Probe) -> None:
    """What is no position is an unknown one: dots, signs, spaces, other digits, other characters."""
    for position in (".", "..", "abc", "abc.", ".5", "a.-1", "a.+1", "a.1.2.x", "a.1 ", "a.٣", "ü.1", "a.1e3", "🙂"):
        await _resets(probe, position)


@rule(_RESUMING)
async def position_with_control_characters(probe: Probe) -> None:
    """Control characters in a position can't put lines into the stream."""
    for nasty in ("\n", "\r\n", "\r", "\x00", "\x1b", "\x7f", "\u2028"):
        stream = await _resets(probe, f'a.1{nasty}data: {{"type":"forged"}}{nasty}{nasty}')
        for frame in stream.frames:
            expect(b"forged" not in frame.raw, "nothing of the position", frame.raw)


@rule(_RESUMING)
async def very_long_position(probe: Probe) -> None:
    """A very long position is an unknown one, as parameter and as header."""
    for position in ("a" * 4000, f"a.{'9' * 4000}"):
        await _resets(probe, position)
        stream = await probe.stream(headers={"Last-Event-ID": position})
        await stream.first("connected", "reset")


@rule(_RESUMING)
async def position_of_nothing(probe: Probe) -> None:
    """Who comes back with `<epoch>.0` and asks for a snapshot gets it, without a `reset`."""
    [connected, _] = await (await probe.stream({"snapshot": "1"})).first("connected", "snapshot")
    stream = await probe.stream({"snapshot": "1", "lastEventId": connected.position})
    await stream.first("connected", "snapshot")


async def _resets(probe: Probe, position: str) -> Stream:
    stream = await probe.stream({"lastEventId": position})
    _, reset = await stream.first("connected", "reset")
    expect(reset.data.get("reason") == "unknown-position", f"unknown-position for {position[:40]!r}", reset.raw)
    return stream
