"""The API's own description is complete and true."""

import itertools
import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import AsyncClient, Response
from jsonschema_rs import Draft202012Validator

from pulsestage.domain.policy import Role
from pulsestage.http.errors import codes
from pulsestage.http.routing import TABLE
from pulsestage.services import sessions
from tests.http.conftest import Room
from tests.http.references import resolved


@pytest.fixture
async def document(guest: AsyncClient) -> dict[str, Any]:
    answer = await guest.get("/openapi.json")
    described: dict[str, Any] = answer.json()
    return described


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method.upper(), path, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
    ]


def responses(document: dict[str, Any], operation: dict[str, Any]) -> dict[int, dict[str, Any]]:
    return {int(status): resolved(document, each) for status, each in operation["responses"].items()}


def objects_in(value: Any) -> Iterator[dict[str, Any]]:
    """Everything in a document that has members."""
    if isinstance(value, dict):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from objects_in(part)


async def test_every_route_is_described(app: FastAPI, document: dict[str, Any]) -> None:
    described = {(method, path) for method, path, _ in operations(document)}
    routes = {
        (method, path)
        for route in app.routes
        if getattr(route, "include_in_schema", False)
        for path in [getattr(route, "path", "")]
        for method in getattr(route, "methods", set()) - {"HEAD"}
    }
    assert described == routes
    assert len(described) >= 36


async def test_every_operation_says_what_it_is_and_how_it_fails(document: dict[str, Any]) -> None:
    known = {tag["name"] for tag in document["tags"]}
    for method, path, operation in operations(document):
        where = f"{method} {path}"
        assert set(operation["tags"]) <= known, where
        assert operation["tags"], where
        assert operation["summary"], where
        assert operation.get("description") != operation["summary"], where
        for status, response in responses(document, operation).items():
            assert response["description"], where
            if status >= 400 and path != "/health/ready":
                [(media, content)] = response["content"].items()
                assert media == "application/problem+json", where
                assert content["schema"] == {"$ref": "#/components/schemas/Problem"}, where
                assert content["example"]["status"] == status, where
        if "requestBody" in operation:
            assert {"400", "413", "422"} <= operation["responses"].keys(), where


async def test_bodies_and_answers_have_examples(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        for status, response in responses(document, operation).items():
            for content in response.get("content", {}).values():
                schema = content["schema"]
                shown = resolved(document, schema.get("items", schema))
                assert "example" in content or "examples" in shown, (method, path, status)
        if "requestBody" in operation:
            model = resolved(document, operation["requestBody"]["content"]["application/json"]["schema"])
            assert any(each.get("examples") for each in model["properties"].values()), (method, path)


async def test_every_example_is_as_its_schema_says(document: dict[str, Any]) -> None:
    named = {"schemas": document["components"]["schemas"]}
    shown = 0
    for part in objects_in(document):
        schema = {**part.get("schema", part), "components": named}
        for example in [*([part["example"]] if "example" in part else ()), *part.get("examples", ())]:
            Draft202012Validator(schema, validate_formats=True).validate(example)
            shown += 1
    assert shown > 50


async def test_references_lead_somewhere(document: dict[str, Any]) -> None:
    for part in objects_in(document):
        assert resolved(document, part) is not None


async def test_every_description_of_a_member_or_parameter_is_there(document: dict[str, Any]) -> None:
    for part in objects_in(document["components"]["schemas"]):
        for name, member in part.get("properties", {}).items():
            assert "$ref" in member or member.get("description"), name
            assert "title" not in member, name
    for _, path, operation in operations(document):
        for parameter in (resolved(document, each) for each in operation.get("parameters", ())):
            assert parameter["description"], (path, parameter["name"])
            assert {"type": "null"} not in parameter["schema"].get("anyOf", ()), (path, parameter["name"])


async def test_operations_have_short_names_of_their_own(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(names)) == len(names)
    assert [name for name in names if not re.fullmatch("[a-z]+([A-Z][a-z]+)*", name) or len(name) > 20] == []


async def test_codes_are_those_of_the_errors(document: dict[str, Any]) -> None:
    enumerated = document["components"]["schemas"]["ProblemCode"]["enum"]
    assert enumerated == sorted({code for each in codes().values() for code in each})
    assert document["components"]["schemas"]["Problem"]["properties"]["code"]["$ref"].endswith("/ProblemCode")
    for each in document["components"]["responses"].values():
        status = each["content"]["application/problem+json"]["example"]["status"]
        named = re.findall("`([a-z_]+)`", each["description"].partition("`code` is ")[2])
        assert named == codes()[status]


NUMBERS = itertools.count()
OURS = {"x-request-id", "x-stream-position", "link", "retry-after", "set-cookie"}


async def send(room: Room, who: AsyncClient, method: str, path: str, document: dict[str, Any]) -> Response:
    """The operation as the document describes it: what is there to be named, and the examples of what is required."""
    admin, number = await room.member(Role.ADMIN), next(NUMBERS)
    asker = who if (method, path) == ("DELETE", "/questions/{question_id}") else room.guest()
    ids = {
        "question_id": (await asker.post("/questions", json={"body": "What's for lunch?"})).json()["id"],
        "tag_id": (await admin.post("/tags", json={"name": f"Tag {number}"})).json()["id"],
        "team_id": (await admin.post("/teams", json={"name": "Team", "slug": f"team-{number}"})).json()["id"],
    }
    if (method, path) == ("DELETE", "/questions/{question_id}/upvote"):
        await who.post(path.format(**ids))
    operation = document["paths"][path][method.lower()]
    body = None
    if "requestBody" in operation:
        model = resolved(document, operation["requestBody"]["content"]["application/json"]["schema"])
        required = {name: model["properties"][name]["examples"][0] for name in model.get("required", ())}
        [body] = model.get("examples", [required])
        body |= {"tagId": ids["tag_id"]} if "tagId" in body else {}
        body |= {"token": sessions.make_link(room.context, room.tenant, Role.MEMBER)} if "token" in body else {}
    # A stream has no end; its head is the same.
    method = "HEAD" if "text/event-stream" in str(operation["responses"]) else method
    return await who.request(method, path.format(**ids), json=body)


@pytest.mark.parametrize("name", [route.name for route in TABLE])
async def test_an_operation_needs_what_it_says_and_answers_as_it_says(
    room: Room, document: dict[str, Any], name: str
) -> None:
    [(method, path, operation)] = [each for each in operations(document) if each[2]["operationId"] == name]
    named = re.match(r"Needs the role (\w+)\.", operation.get("description", ""))
    role = Role.parse(named[1]) if named else Role.OWNER
    people = [(room.guest(), named is not None), (await room.member(role), False)]
    if named:
        people.append((await room.member(Role(role - 1)), True))
    needs_session = operation.get("security", document["security"]) == [{"session": []}]
    assert needs_session is (named is not None)
    schemes = document["components"]["securitySchemes"].keys()
    assert {scheme for each in operation.get("security", ()) for scheme in each} <= schemes
    for who, refused in people:
        answer = await send(room, who, method, path, document)
        assert answer.status_code == (403 if refused else min(responses(document, operation))), answer.text
        response = responses(document, operation)[answer.status_code]
        assert OURS & {each.lower() for each in answer.headers} <= {each.lower() for each in response["headers"]}
        for header, described in response["headers"].items():
            assert header in answer.headers or not resolved(document, described).get("required"), header
        if "content" in response:
            assert answer.headers["content-type"].partition(";")[0] in response["content"]


async def test_the_rendered_documentation_asks_nobody_on_the_internet(guest: AsyncClient) -> None:
    page = (await guest.get("/docs")).text
    assert "http://" not in page.replace("http://pulsestage.test", "")
    assert "https://" not in page
    for asset in ("swagger-ui-bundle.js", "swagger-ui.css"):
        assert (await guest.get(f"/docs/assets/{asset}")).status_code == 200


async def test_what_is_sent_has_all_members_that_are_described(guest: AsyncClient, document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    question = (await guest.post("/questions", json={"body": "Why?"})).json()
    assert question.keys() == schemas["QuestionView"]["properties"].keys() == set(schemas["QuestionView"]["required"])
    problem = (await guest.get("/questions/none")).json()
    assert problem.keys() == set(schemas["Problem"]["required"])
    problem = (await guest.post("/questions", json={"body": "?"})).json()
    assert problem.keys() == schemas["Problem"]["properties"].keys()
