"""The API's own description is complete and true."""

from typing import Any

import pytest
from fastapi import FastAPI
from httpx import AsyncClient

from tests.http.conftest import Room


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
        assert operation["description"], where
        for status, response in operation["responses"].items():
            assert response["description"], where
            if int(status) >= 400 and path != "/health/ready":
                [(media, content)] = response["content"].items()
                assert media == "application/problem+json", where
                assert content["schema"] == {"$ref": "#/components/schemas/Problem"}, where
        if "requestBody" in operation:
            assert {"400", "413", "422"} <= operation["responses"].keys(), where


async def test_bodies_and_answers_have_examples(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for method, path, operation in operations(document):
        for response in (each for status, each in operation["responses"].items() if int(status) < 300):
            for media, content in response.get("content", {}).items():
                if media in {"application/json", "text/event-stream"}:
                    assert "example" in content or "examples" in content, (method, path)
        if "requestBody" in operation:
            schema = operation["requestBody"]["content"]["application/json"]["schema"]
            model = schemas[schema["$ref"].rsplit("/", 1)[1]]
            shown = [model.get("example"), *(each.get("examples") for each in model["properties"].values())]
            assert any(shown), (method, path)


async def test_references_lead_somewhere(document: dict[str, Any]) -> None:
    def references(value: Any) -> list[str]:
        if isinstance(value, dict):
            own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
            return own + [each for part in value.values() for each in references(part)]
        return [each for part in value for each in references(part)] if isinstance(value, list) else []

    for reference in set(references(document)):
        assert reference.removeprefix("#/components/schemas/") in document["components"]["schemas"]


async def test_the_rendered_documentation_asks_nobody_on_the_internet(guest: AsyncClient) -> None:
    page = (await guest.get("/docs")).text
    assert "http://" not in page.replace("http://pulsestage.test", "")
    assert "https://" not in page
    for asset in ("swagger-ui-bundle.js", "swagger-ui.css"):
        assert (await guest.get(f"/docs/assets/{asset}")).status_code == 200


async def test_examples_are_of_the_shape_that_is_sent(room: Room, guest: AsyncClient, document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    question = (await guest.post("/questions", json={"body": "Why?"})).json()
    assert schemas["QuestionView"]["example"].keys() == question.keys() == schemas["QuestionView"]["properties"].keys()
    problem = (await guest.get("/questions/none")).json()
    assert schemas["Problem"]["example"].keys() == problem.keys()
