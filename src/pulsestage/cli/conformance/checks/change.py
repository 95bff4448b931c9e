"""Changes and the events that tell of them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from pulsestage.cli.conformance.rules import expect, rule

if TYPE_CHECKING:
    from pulsestage.cli.conformance.guest import Guest
    from pulsestage.cli.conformance.probe import Probe
    from pulsestage.cli.conformance.stream import Stream
    from pulsestage.cli.conformance.wire import Answer

_EVENTS = "streams.md#events-of-the-log"
_ERRORS = "api.md#errors"
_LIMITS = "api.md#limits"


async def _open(probe: Probe) -> Stream:
    stream = await probe.stream()
    await stream.first("connected")
    return stream


def _refused(answer: Answer, code: str) -> None:
    told = answer.must_be(409).json()["code"]
    expect(told == code, f"409 {code}", told)


async def _count(guest: Guest, question: dict[str, Any]) -> int:
    return int((await guest.request("GET", f"/questions/{question['id']}")).must_be(200).json()["upvotes"])


@rule(_EVENTS, writes=True)
async def question_created(probe: Probe) -> None:
    """`question:created` says of a question what the answer to asking it said."""
    stream = await _open(probe)
    asked = await probe.guest().ask()
    frame = await stream.of_question("question:created", asked)
    wanted = {name: asked[name] for name in ("id", "body", "upvotes", "status", "teamId", "createdAt")}
    told = {name: frame.data.get(name) for name in wanted}
    expect(told == wanted and frame.data["questionId"] == asked["id"], str(wanted), told)


@rule(_EVENTS, writes=True)
async def question_removed(probe: Probe) -> None:
    """A withdrawn question is a `question:removed`, and gone."""
    stream, guest = await _open(probe), probe.guest()
    asked = await guest.ask()
    (await guest.withdraw(asked)).must_be(204)
    frame = await stream.of_question("question:removed", asked)
    expect(frame.data.get("id") == asked["id"], "its id", frame.raw)
    (await guest.request("GET", f"/questions/{asked['id']}")).must_be(404)


@rule(_EVENTS, writes=True)
async def votes_are_absolute(probe: Probe) -> None:
    """`question:upvoted` has the count, never a difference."""
    stream, asked = await _open(probe), await probe.guest().ask()
    for count in (1, 2):
        answer = (await probe.guest().vote(asked)).must_be(200).json()
        expect(answer["upvotes"] == count, f"{count} in the answer", answer["upvotes"])
        frame = await stream.of_question("question:upvoted", asked)
        expect(frame.data.get("upvotes") == count, f"upvotes {count}", frame.raw)
        expect(frame.data.get("id") == asked["id"], "the question's id as id", frame.raw)


@rule(_EVENTS, writes=True)
async def vote_taken_back(probe: Probe) -> None:
    """A vote that is taken back is a `question:upvoted` with the smaller count."""
    stream, asked, voter = await _open(probe), await probe.guest().ask(), probe.guest()
    (await voter.vote(asked)).must_be(200)
    await stream.of_question("question:upvoted", asked)
    (await voter.take_back(asked)).must_be(200)
    frame = await stream.of_question("question:upvoted", asked)
    expect(frame.data.get("upvotes") == 0, "upvotes 0", frame.raw)


@rule(_ERRORS, writes=True)
async def second_vote(probe: Probe) -> None:
    """A second vote of one person is a 409 and doesn't count; so is taking back what was not given."""
    asked, voter = await probe.guest().ask(), probe.guest()
    (await voter.vote(asked)).must_be(200)
    _refused(await voter.vote(asked), "already_upvoted")
    expect(await _count(voter, asked) == 1, "one vote", await _count(voter, asked))
    (await voter.take_back(asked)).must_be(200)
    _refused(await voter.take_back(asked), "not_upvoted")


@rule(_ERRORS, writes=True)
async def own_question(probe: Probe) -> None:
    """Nobody votes for their own question."""
    guest = probe.guest()
    _refused(await guest.vote(await guest.ask()), "own_question")


@rule(_LIMITS, writes=True)
async def votes_at_once(probe: Probe) -> None:
    """Of many identical votes at one time one counts."""
    asked, voter = await probe.guest().ask(), await probe.guest().arrive()
    answers = await asyncio.gather(*(voter.vote(asked) for _ in range(8)))
    told = sorted(answer.head.status for answer in answers)
    expect(told == [200] + 7 * [409], "one 200 and seven 409", told)
    expect(await _count(voter, asked) == 1, "one vote", await _count(voter, asked))


@rule("streams.md#frames", writes=True)
async def any_text(probe: Probe) -> None:
    """Line breaks, control characters, U+2028 and emoji in a question come through, in one frame."""
    text = f"one\ntwo\n\nid: 1\ndata: \x01\x0b\x1b\x7f\x85\u2028\u2029 \\n \"' </script> ü 👩🏽\u200d🚀 𝄞 {uuid4()}"
    stream = await _open(probe)
    asked = await probe.guest().ask(text)
    expect(asked["body"] == text, repr(text), asked["body"])
    frame = await stream.of_question("question:created", asked)
    expect(frame.data["body"] == text, repr(text), frame.raw)


@rule("streams.md#positions", writes=True)
async def one_order(probe: Probe) -> None:
    """All readers see the same events in the same order, with the same ids."""
    readers = [await _open(probe), await _open(probe)]
    asked = await asyncio.gather(*(probe.guest().ask() for _ in range(6)))
    ours = {each["id"] for each in asked}
    orders: list[list[tuple[str, str]]] = []
    for reader in readers:
        order: list[tuple[str, str]] = []
        while len(order) < len(ours):
            frame = await reader.until(
                "question:created", lambda frame: frame.type == "question:created" and frame.data["questionId"] in ours
            )
            order.append((frame.position, frame.data["questionId"]))
        orders.append(order)
    expect(orders[0] == orders[1], f"one order, {orders[0]}", orders[1])


@rule("api.md#tenants-sessions-tickets", writes=True)
async def ticket(probe: Probe) -> None:
    """A ticket opens one stream as the person who got it; a second one with it is a 403."""
    guest = probe.guest()
    asked = await guest.ask()
    query = {"snapshot": "1", "ticket": (await guest.request("POST", "/sse/tickets")).must_be(201).json()["ticket"]}
    _, snapshot = await (await probe.stream(query)).first("connected", "snapshot")
    mine = [each["id"] for each in snapshot.data["questions"] if each["isMine"]]
    expect(mine == [asked["id"]], "a snapshot for who got the ticket", mine)
    (await probe.refusal(query)).must_be(403)
