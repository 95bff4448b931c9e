"""The document of the streams is true: what it says is what a real server's streams carry, and nothing else.

Clients must let members be that they don't know, so the document's schemas are open; here they are closed, and whatever
is on the wire without being described is found.
"""

import copy
import re
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from httpx import AsyncClient, Cookies

from pulsestage.domain.events import EVENT_TYPES
from pulsestage.domain.policy import Role
from pulsestage.http.app import HttpOptions, create_app
from pulsestage.http.asyncapi import describe
from pulsestage.http.meanings import MEANINGS
from pulsestage.services import streams
from pulsestage.services.streams import CONTROL_TYPES
from tests.http.conftest import Room, make_settings, new_room, serving
from tests.http.references import resolved
from tests.http.streaming.everything import do_everything
from tests.http.streaming.server import Frame, Server, Stream, listening

DOCUMENT = describe()
MESSAGES = {message["name"]: message for message in DOCUMENT["components"]["messages"].values()}


class Everything:
    """What all streams of a server carried."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []

    async def read(self, stream: Stream, until: str) -> None:
        """Read until a frame of this type, or with this id."""
        while True:
            frame = await stream.next()
            self.frames.append(frame)
            if until in {frame.type, frame.id}:
                break


@pytest.fixture(scope="module")
async def frames(tmp_path_factory: pytest.TempPathFactory) -> list[Frame]:
    """One room from its first question to the end of its server, seen by a guest and by a moderator."""
    every = Everything()
    settings = make_settings(tmp_path_factory.mktemp("data"), heartbeat_seconds=0.2)
    async with AsyncExitStack() as opened:
        async with listening(settings) as server:
            room = await server.room("acme")
            cookies = (await room.member(Role.MODERATOR)).cookies
            guest = await opened.enter_async_context(server.stream("acme"))
            moderator = await opened.enter_async_context(server.stream("acme", cookies=cookies))
            for stream in (guest, moderator):
                await every.read(stream, "connected")
            await do_everything(room)
            await leave_all_kinds(room)
            for stream in (guest, moderator):
                await every.read(stream, await position_of(room))
                every.frames.append(await stream.heartbeat())
            await begin_in_all_ways(server, every, cookies)
        await every.read(guest, "goodbye")
    return every.frames


async def position_of(room: Room) -> str:
    return str((await room.guest().get("/questions")).headers["x-stream-position"])


async def leave_all_kinds(room: Room) -> None:
    """Questions, a tag and a team: whatever member can be null is so in one and not in another."""
    admin = await room.member(Role.ADMIN)
    team = {"name": "Research", "slug": "research", "description": "Looks ahead."}
    team_id = (await admin.post("/teams", json=team)).json()["id"]
    tag_id = (await admin.post("/tags", json={"name": "Food", "description": "And drink."})).json()["id"]
    await room.ask()
    question = await room.ask("To a team?", teamId=team_id)
    await admin.put(f"/questions/{question}/tags/{tag_id}")
    await admin.put(f"/questions/{question}/pin")
    await admin.delete(f"/questions/{question}/pin")
    await admin.put(f"/questions/{question}/pin")
    await admin.post(f"/questions/{question}/answer", json={"response": "Yes."})
    await admin.put(f"/questions/{question}/freeze")


async def begin_in_all_ways(server: Server, every: Everything, moderator: Cookies) -> None:
    """With a snapshot, with one that can't be had, with each kind of reset, and to the tenant's end."""
    for cookies in (None, moderator):
        async with server.stream("acme", cookies=cookies, snapshot=1) as stream:
            await every.read(stream, "snapshot")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streams, "take_snapshot", no_snapshot)
        async with server.stream("acme", snapshot=1) as stream:
            await every.read(stream, "goodbye")
    async with server.stream("acme", lastEventId="nonsense") as stream:
        await every.read(stream, "reset")
    other = await server.room("other")
    for _ in range(3):
        await other.ask()
    await server.app.state.hub._engine.store.prune(0, keep_events=1, keep_millis=0)
    epoch = (await position_of(other)).partition(".")[0]
    async with server.stream("other", lastEventId=f"{epoch}.1") as stream:
        await every.read(stream, "reset")
        directory = server.app.state.context.directory
        await directory.begin_deletion(await directory.find("other"))
        await server.app.state.hub.check()
        await every.read(stream, "goodbye")


async def no_snapshot(*_: Any) -> Any:
    raise RuntimeError("no snapshot today")


class Closed:
    """The document's schemas, closed: a member that they don't name is an error."""

    def __init__(self, document: dict[str, Any]) -> None:
        document = copy.deepcopy(document)
        for schema in objects_in(document["components"]):
            schema["additionalProperties"] = False
        self._validators = {
            message["name"]: [
                jsonschema_rs.Draft7Validator(
                    {**message[part], "components": document["components"]}, validate_formats=True
                )
                for part in ("headers", "payload")
            ]
            for message in document["components"]["messages"].values()
        }

    def complaints(self, fields: dict[str, Any], payload: dict[str, Any]) -> list[str]:
        """What is wrong with a frame."""
        return [
            f"{payload['type']} {error.instance_path}: {error.message}"
            for validator, part in zip(self._validators[payload["type"]], (fields, payload), strict=True)
            for error in validator.iter_errors(part)
        ]


def objects_in(value: Any) -> Iterator[dict[str, Any]]:
    """The schemas of objects, at any depth."""
    if isinstance(value, dict):
        if isinstance(value.get("properties"), dict) and value.get("type") == "object":
            yield value
        for part in value.values():
            yield from objects_in(part)
    if isinstance(value, list):
        for part in value:
            yield from objects_in(part)


def fields_of(frame: Frame) -> dict[str, Any]:
    """What stands beside `data` in a frame."""
    fields = {"id": frame.id, "retry": frame.retry, "event": frame.event}
    return {name: value for name, value in fields.items() if value is not None}


async def test_every_frame_is_as_the_document_says(frames: list[Frame]) -> None:
    closed = Closed(DOCUMENT)
    assert [each for frame in frames for each in closed.complaints(fields_of(frame), frame.message)] == []


async def test_every_message_of_the_document_occurs_and_no_other(frames: list[Frame]) -> None:
    assert {frame.type for frame in frames} == set(MESSAGES) == {*EVENT_TYPES, *CONTROL_TYPES}


async def test_every_choice_that_the_document_leaves_is_taken(frames: list[Frame]) -> None:
    """Each value of an enumeration, null and what may be null: without it, some frame would be wrong."""
    untaken = []
    for place, choices in choices_in(DOCUMENT["components"]):
        for number, choice in enumerate(list(choices)):
            choices.pop(number)
            closed = Closed(DOCUMENT)
            if not any(closed.complaints(fields_of(frame), frame.message) for frame in frames):
                untaken.append((*place, choice))
            choices.insert(number, choice)
    assert untaken == []


def choices_in(value: Any, *place: str) -> Iterator[tuple[tuple[str, ...], list[Any]]]:
    """Every `enum` and `anyOf`, and where it is."""
    for name, part in value.items() if isinstance(value, dict) else ():
        if name in {"enum", "anyOf"}:
            yield (*place, name), part
        else:
            yield from choices_in(part, *place, name)


def test_examples_are_as_the_document_says() -> None:
    closed = Closed(DOCUMENT)
    for name, message in MESSAGES.items():
        for example in message["examples"]:
            assert example["payload"]["type"] == name
            assert closed.complaints(example["headers"], example["payload"]) == []


def test_every_member_has_a_meaning_and_every_meaning_a_member() -> None:
    for schema in objects_in(DOCUMENT["components"]):
        assert all("$ref" in member or member["description"] for member in schema["properties"].values())
    both = [DOCUMENT["components"], create_app(HttpOptions()).openapi()["components"]["schemas"]]
    assert set(MEANINGS.values()) - set(texts_in(both)) == set()


def texts_in(value: Any) -> Iterator[str]:
    """Everything that is said in a document."""
    if isinstance(value, str):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from texts_in(part)


def test_everything_in_a_message_has_a_name() -> None:
    """Generators make one type of what has a name, and a type of their own naming of each thing that has none."""
    schemas = DOCUMENT["components"]["schemas"]
    for message in MESSAGES.values():
        assert message["payload"].keys() == {"$ref"}
    for schema in schemas.values():
        for member in schema.get("properties", {}).values():
            assert not {"properties", "enum"} & {*member, *member.get("items", {})}
    assert [each["$ref"] for each in schemas["StreamMessage"]["oneOf"]] == [
        message["payload"]["$ref"] for message in MESSAGES.values()
    ]


def test_the_document_has_the_form_of_asyncapi() -> None:
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= DOCUMENT["info"].keys()
    assert DOCUMENT.keys() <= {"asyncapi", "info", "defaultContentType", "channels", "operations", "components"}
    [channel], [operation] = DOCUMENT["channels"].values(), DOCUMENT["operations"].values()
    assert channel["address"] == "/sse"
    assert operation["action"] == "send"
    assert operation["channel"] == {"$ref": "#/channels/stream"}
    keys = list(DOCUMENT["components"]["messages"])
    assert channel["messages"] == {key: {"$ref": f"#/components/messages/{key}"} for key in keys}
    assert operation["messages"] == [{"$ref": f"#/channels/stream/messages/{key}"} for key in keys]
    for kind in DOCUMENT["components"].values():
        assert all(re.fullmatch(r"[\w.-]+", key) for key in kind)
    for message in MESSAGES.values():
        assert message.keys() == {"name", "title", "summary", "headers", "payload", "examples"}
        assert message["summary"]


async def test_parameters_are_those_of_the_api(guest: AsyncClient) -> None:
    api = (await guest.get("/openapi.json")).json()
    described = [resolved(api, each) for each in api["paths"]["/sse"]["get"]["parameters"]]
    binding = DOCUMENT["operations"]["follow"]["bindings"]["http"]
    assert binding["method"] == "GET"
    assert binding["query"]["properties"].keys() == {each["name"] for each in described if each["in"] == "query"}


async def test_it_is_served_and_named_where_the_api_is_documented(guest: AsyncClient) -> None:
    answer = await guest.get("/asyncapi.json")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json() == DOCUMENT
    assert "(asyncapi.json)" in (await guest.get("/openapi.json")).json()["info"]["description"]


async def test_it_is_served_below_a_prefix_too(tmp_path: Path) -> None:
    async with serving(make_settings(tmp_path, root_path="/qa")) as app:
        assert (await (await new_room(app)).guest().get("/qa/asyncapi.json")).json() == DOCUMENT
