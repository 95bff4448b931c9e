import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from starlette.routing import Mount

from pulsestage.domain.errors import PulseStageError
from pulsestage.domain.policy import Action, Role
from pulsestage.http import errors
from pulsestage.http.app import HttpOptions, create_app
from pulsestage.http.routes.sessions import SessionView
from pulsestage.services.views import QuestionView, TagView, TeamView
from tests.docs.documents import code_in, prose, read, rows, section

API, STREAMS = read("docs/api.md"), read("docs/streams.md")
REQUEST = re.compile(r"`(GET|POST|PUT|PATCH|DELETE) (/[^\s`?]*)")


@pytest.fixture(scope="module")
def openapi() -> dict[str, Any]:
    return create_app(HttpOptions()).openapi()


def test_every_request_is_documented_and_no_other(openapi: dict[str, Any]) -> None:
    described = {(method.upper(), without_names(path)) for path, item in openapi["paths"].items() for method in item}
    documented = {(method, without_names(path)) for method, path in REQUEST.findall(prose(API) + prose(STREAMS))}
    pages = {("GET", path) for path in ("/", "/app/", "/app/{}", "/docs", "/openapi.json", "/asyncapi.json")}
    assert documented - pages == described
    assert pages <= documented


def test_pages_beside_the_api_exist() -> None:
    app = create_app(HttpOptions())
    beside = {getattr(route, "path", "") for route in app.routes if not isinstance(route, Mount)}
    assert {"/", "/docs", "/openapi.json", "/asyncapi.json", "/app/{path:path}"} <= beside


def test_every_error_code_is_documented_with_its_status_and_text() -> None:
    expected = {(errors.problem_of(raised(cls)).status, cls.code, cls.error) for cls in family(PulseStageError)}
    expected |= {
        (status, code, ours.error)
        for status, code in errors.CODES.items()
        for ours in [errors.http_problem(status)]
        if status not in {400, 404, 500}  # said in other words, below, or by the domain
    }
    expected |= {(400, "bad_request", "Invalid JSON"), (500, "internal_error", errors.internal_error().error)}
    documented = {(int(status), code_in(code)[0], text) for status, code, text in rows(section(API, "## Errors"))}
    assert documented == expected


def test_shapes_have_the_members_that_are_documented() -> None:
    views: dict[str, Any] = {"Question": QuestionView, "Tag": TagView, "Team": TeamView, "Session": SessionView}
    for name, members in rows(section(API, "## Shapes")):
        declared = [field.encode_name for field in msgspec.structs.fields(views.pop(name))]
        assert [member for member in code_in(members) if member in declared] == declared
    assert views == {}


def test_roles_and_actions_are_documented() -> None:
    assert [row[0] for row in rows(section(API, "## Who one is"))] == [role.slug for role in Role]
    assert {action.value for action in Action} - {"read"} <= set(code_in(section(API, "## Shapes")))


def without_names(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)


def family(cls: type[PulseStageError]) -> Iterator[type[PulseStageError]]:
    yield cls
    for child in cls.__subclasses__():
        yield from family(child)


def raised(cls: type[PulseStageError]) -> PulseStageError:
    """An error as it is, without the arguments that some of them want."""
    error = cls.__new__(cls)
    Exception.__init__(error)
    error.message = ""
    error.__dict__.setdefault("fields", {})
    return error
