"""Filters. That something does not come is seen when what happened after it has come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pulsestage.cli.conformance.rules import Skipped, expect, rule

if TYPE_CHECKING:
    from pulsestage.cli.conformance.probe import Probe

_PARAMETERS = "streams.md#parameters"
_ITSELF = {"connected", "snapshot", "heartbeat", "reset", "goodbye"}


@rule(_PARAMETERS, writes=True)
async def filter_by_type(probe: Probe) -> None:
    """With `events`, only these types come."""
    stream = await probe.stream({"events": "question:upvoted,question:removed"})
    await stream.first("connected")
    guest = probe.guest()
    asked = await guest.ask()
    (await probe.guest().vote(asked)).must_be(200)
    await stream.of_question("question:upvoted", asked)
    (await guest.withdraw(asked)).must_be(204)
    await stream.of_question("question:removed", asked)
    others = {frame.type for frame in stream.frames} - _ITSELF - {"question:upvoted", "question:removed"}
    expect(not others, "question:upvoted and question:removed alone", sorted(others))


@rule(_PARAMETERS)
async def filter_with_types_of_the_stream(probe: Probe) -> None:
    """The types that every stream has may be named in `events`; an empty list is no filter."""
    for types in (",".join(sorted(_ITSELF)), "heartbeat,question:created", ""):
        await (await probe.stream({"events": types})).first("connected")


@rule(_PARAMETERS)
async def snapshot_of_a_team(probe: Probe) -> None:
    """With `team`, by slug or by id, a snapshot has this team's questions and no others."""
    team = await _team(probe)
    for name in (team["slug"], team["id"]):
        stream = await probe.stream({"team": name, "snapshot": "1"})
        _, snapshot = await stream.first("connected", "snapshot")
        others = [each["id"] for each in snapshot.data["questions"] if each["teamId"] != team["id"]]
        expect(not others, f"questions of team {team['slug']} alone", others)


@rule(_PARAMETERS, writes=True)
async def filter_by_team(probe: Probe) -> None:
    """With `team`, by slug or by id, only this team's questions come."""
    team = await _team(probe)
    for name in (team["slug"], team["id"]):
        stream = await probe.stream({"team": name, "events": "question:created"})
        await stream.first("connected")
        guest = probe.guest()
        other, asked = await guest.ask(), await guest.ask(team=team["id"])
        await stream.of_question("question:created", asked)
        expect(other["id"] not in stream.created(), "no question without a team", other["id"])


async def _team(probe: Probe) -> dict[str, Any]:
    teams = (await probe.guest().request("GET", "/teams")).must_be(200).json()
    for team in teams:
        if team["isActive"]:
            return dict(team)
    raise Skipped("the tenant has no active team")
