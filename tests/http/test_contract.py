"""The OpenAPI document, taken at its word by schemathesis: every operation, every role, sense and nonsense.

No answer is a 5xx, and each has a status, a content type and a shape that the document names.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

import pytest
import schemathesis
from fastapi import FastAPI
from httpx import AsyncClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from pulsestage.domain.policy import Role
from pulsestage.http.app import HttpOptions, create_app
from tests.http.conftest import Room, new_room

EXAMPLES = 20
"""Per operation: enough to meet each role, sense and nonsense, and short enough for every run."""
ENDLESS = ["/sse", "/events"]
CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
SCHEMA = schemathesis.openapi.from_dict(create_app(HttpOptions()).openapi()).exclude(path=ENDLESS)
Operation: TypeAlias = "APIOperation[Any, Any, Any, Any]"
OPERATIONS: dict[str, Operation] = {
    result.ok().label: result.ok() for result in SCHEMA.get_all_operations() if isinstance(result, Ok)
}


class People:
    """A guest, a moderator and an admin in one room, and what is there to be named."""

    def __init__(self, room: Room, people: dict[str, AsyncClient], ids: dict[str, list[str]]) -> None:
        self.room = room
        self.people = people
        self.ids = ids


@pytest.fixture(scope="module")
async def people(app: FastAPI) -> People:
    room = await new_room(app)
    admin = await room.member(Role.ADMIN)
    people = {"guest": room.guest(), "moderator": await room.member(Role.MODERATOR), "admin": admin}
    ids = {
        "question_id": [await room.ask() for _ in range(3)],
        "tag_id": [(await admin.post("/tags", json={"name": name})).json()["id"] for name in "ab"],
        "team_id": [(await admin.post("/teams", json={"name": name, "slug": name})).json()["id"] for name in "ab"],
    }
    return People(room, people, ids)


@dataclass(frozen=True)
class Attempt:
    """A request as schemathesis thinks of it, and what the room's people make of it."""

    case: Case[Any]
    senseless: bool
    role: str
    here: bool
    """For the room; else for a tenant that is hardly ever there."""
    known: tuple[int | None, int | None]
    """Which of the things that are there its path names; None: what schemathesis thought of."""


@st.composite
def attempts(draw: st.DrawFn, operation: Operation) -> Attempt:
    senseless = draw(st.booleans()) and _can_be_negated(operation)
    mode = GenerationMode.NEGATIVE if senseless else GenerationMode.POSITIVE
    known = st.none() | st.integers(0, 5)
    return Attempt(
        case=draw(operation.as_strategy(generation_mode=mode)),
        senseless=senseless,
        role=draw(st.sampled_from(["guest", "moderator", "admin"])),
        here=draw(st.integers(0, 4)) > 0,
        known=draw(st.tuples(known, known)),
    )


def think_of(operation: Operation) -> list[Attempt]:
    """The same attempts in every run. Hypothesis thinks of them; sending them needs the event loop it knows not of."""
    found: list[Attempt] = []

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(attempts(operation))
    def collect(attempt: Attempt) -> None:
        found.append(attempt)

    collect()
    return found


@pytest.mark.parametrize("label", OPERATIONS)
async def test_the_document_is_true(people: People, label: str) -> None:
    operation = OPERATIONS[label]
    for attempt in think_of(operation):
        case = attempt.case
        if attempt.here:
            for parameters, name in ((case.headers, "X-Tenant-ID"), (case.query, "tenantId")):
                parameters.pop(name, None)
        for name, index in zip(case.path_parameters, attempt.known, strict=False):
            if index is not None:
                case.path_parameters[name] = people.ids[name][index % len(people.ids[name])]
        response = await people.people[attempt.role].request(**_as_httpx(case))
        case.validate_response(response, checks=CHECKS)
        if response.is_error and operation.path != "/health/ready":
            assert response.headers["content-type"] == "application/problem+json"
            assert response.json()["code"]


def _can_be_negated(operation: Operation) -> bool:
    return bool(operation.body or operation.query or operation.path_parameters)


def _as_httpx(case: Case[Any]) -> dict[str, Any]:
    """The request as `httpx` takes it."""
    made = case.as_transport_kwargs(base_url="http://pulsestage.test")
    headers = {name: value.encode("utf-8", "replace") for name, value in dict(made.get("headers") or {}).items()}
    return {
        "method": made["method"],
        "url": made["url"],
        "params": made.get("params") or None,
        "headers": headers,
        **({"json": made["json"]} if made.get("json") is not None else {"content": made.get("data")}),
    }
