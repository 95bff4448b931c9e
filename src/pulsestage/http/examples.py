"""What answers look like, for the API's document.

They are instances of the structs that are sent, so no member can be missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulsestage.domain import errors
from pulsestage.domain.policy import Action, Role
from pulsestage.http.errors import http_problem, internal_error, problem_of
from pulsestage.http.parameters import EXAMPLE_ID
from pulsestage.http.routes.operations import HealthView, LivenessView, ReadinessView
from pulsestage.http.routes.sessions import SessionView, TicketView
from pulsestage.http.routes.streams import StreamCountsView
from pulsestage.http.routes.tenants import TenantSettingsView, TenantView
from pulsestage.services.views import QuestionView, TagRef, TagView, TeamView

if TYPE_CHECKING:
    from msgspec import Struct

    from pulsestage.http.errors import Problem

_TIME = "2026-03-02T09:15:00.000Z"
POSITION = "7f3a90c1.1042"
NEXT_PAGE = f'<?limit=50&cursor=0.3.{EXAMPLE_ID}>; rel="next"'
COOKIE = "pulsestage_default=WyIwMTkyZjBjMS1…; Max-Age=34560000; Path=/; HttpOnly; SameSite=Lax"
METRICS = "# TYPE pulsestage_stream_connections gauge\npulsestage_stream_connections 1.0\n"

_QUESTION = QuestionView(
    id=EXAMPLE_ID,
    tenant_id=EXAMPLE_ID,
    team_id=None,
    body="When does the new office open?",
    upvotes=15,
    status="OPEN",
    response_text=None,
    responded_at=None,
    created_at=_TIME,
    updated_at=_TIME,
    is_pinned=False,
    pinned_by=None,
    pinned_at=None,
    is_frozen=False,
    frozen_by=None,
    frozen_at=None,
    tags=(TagRef(EXAMPLE_ID, "Strategy", "#3B82F6"),),
    has_upvoted=True,
    is_mine=False,
)
_STRUCTS = (
    _QUESTION,
    _QUESTION.tags[0],
    TagView(EXAMPLE_ID, EXAMPLE_ID, "Strategy", "#3B82F6", None, _TIME),
    TeamView(EXAMPLE_ID, EXAMPLE_ID, "Engineering", "engineering", None, is_active=True, created_at=_TIME),
    TenantView(EXAMPLE_ID, "acme", "Acme", TenantSettingsView(3, 2000, Role.MEMBER.slug)),
    TenantSettingsView(3, 2000, Role.MEMBER.slug),
    SessionView(EXAMPLE_ID, "acme", Role.MEMBER.slug, is_guest=True, can=[Action.ASK.value, Action.VOTE.value]),
    TicketView("WyIwMTkyZjBjMS1…", _TIME),
    StreamCountsView(1, {EXAMPLE_ID: 1}, 1),
    HealthView(ok=True, version="0.1.0"),
    LivenessView(ok=True),
    ReadinessView(ok=True, failing=[], degraded=[]),
    problem_of(errors.QuestionFrozen()),
)
BY_NAME: dict[str, Struct] = {type(each).__name__: each for each in _STRUCTS}

PROBLEMS: dict[int, Problem] = {
    each.status: each
    for each in (
        http_problem(400),
        problem_of(errors.NotAllowed()),
        problem_of(errors.QuestionNotFound()),
        problem_of(errors.QuestionFrozen()),
        http_problem(413),
        problem_of(errors.InvalidInput({"body": ["has 2 characters; 3 to 2000 are allowed"]})),
        problem_of(errors.TooManyRequests(5)),
        internal_error(),
        problem_of(errors.Unavailable("The server is stopping; connect again in a moment.")),
    )
}
"""One for each status that an operation can fail with."""
