"""Questions, tags, teams and times as they are shown."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsestage.domain.team import Team
from pulsestage.services.views import (
    QuestionView,
    TagRef,
    TagView,
    TeamView,
    iso,
    iso_or_none,
    question_view,
    tag_view,
    team_view,
)
from tests.domain.examples import LATER, NOW, a_question, a_tag


@pytest.mark.parametrize(
    "millis,shown", [(0, "1970-01-01T00:00:00.000Z"), (1_696_765_800_007, "2023-10-08T11:50:00.007Z")]
)
def test_times_are_utc_with_milliseconds(millis: int, shown: str) -> None:
    assert iso(millis) == iso_or_none(millis) == shown
    assert iso_or_none(None) is None


@given(st.integers(0, 4_102_444_800_000))
def test_no_millisecond_is_lost(millis: int) -> None:
    shown = datetime.fromisoformat(iso(millis))
    assert shown.tzinfo == UTC
    assert round(shown.timestamp() * 1000) == millis


@pytest.mark.parametrize("moderates", [True, False])
def test_a_question_is_shown_whole_and_who_moderated_it_to_moderators(*, moderates: bool) -> None:
    question = a_question(
        team_id="m1", upvotes=3, response_text="In March.", responded_at=NOW, pinned_at=NOW, pinned_by="PINNER",
        frozen_at=LATER, frozen_by="FREEZER", updated_at=LATER, tags=(a_tag("g1", "Pay"),),
    )  # fmt: skip
    now, later = "2023-10-08T11:50:00.000Z", "2023-10-08T11:50:01.000Z"
    shown = question_view(question, has_upvoted=True, is_mine=False, moderates=moderates)
    assert shown == QuestionView(
        id="q1", tenant_id="t1", team_id="m1", body="When does the new office open?", upvotes=3, status="ANSWERED",
        response_text="In March.", responded_at=now, created_at=now, updated_at=later,
        is_pinned=True, pinned_by="PINNER" if moderates else None, pinned_at=now,
        is_frozen=True, frozen_by="FREEZER" if moderates else None, frozen_at=later,
        tags=(TagRef("g1", "Pay", "#3B82F6"),), has_upvoted=True, is_mine=False,
    )  # fmt: skip
    plain = question_view(a_question(), has_upvoted=False, is_mine=True, moderates=moderates)
    assert (plain.is_pinned, plain.is_frozen, plain.status, plain.responded_at) == (False, False, "OPEN", None)
    assert (plain.has_upvoted, plain.is_mine, plain.tags) == (False, True, ())


def test_tags_and_teams_are_shown_whole() -> None:
    time = "2023-10-08T11:50:00.000Z"
    assert tag_view(a_tag("g1", "Pay")) == TagView("g1", "t1", "Pay", "#3B82F6", None, time)
    team = Team("m1", "t1", "Engineering", "engineering", "They build", is_active=False, created_at=NOW)
    assert team_view(team) == TeamView("m1", "t1", "Engineering", "engineering", "They build", False, time)  # noqa: FBT003
