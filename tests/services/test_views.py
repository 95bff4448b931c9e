"""Times as they are shown."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsestage.services.views import iso, iso_or_none


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
