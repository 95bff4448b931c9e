from typing import Any

import msgspec

from pulsestage.domain import events
from pulsestage.http.routes import streams as routes
from pulsestage.realtime import EXPIRED_POSITION, UNKNOWN_POSITION, HubSettings
from pulsestage.services import wire
from pulsestage.services.streams import CONTROL_TYPES
from pulsestage.services.views import SnapshotView
from tests.docs.documents import code_in, read, rows, section
from tests.live.clients import KINDS

TEXT = read("docs/streams.md")
DATA = {
    "question:created": wire.Created,
    "question:upvoted": wire.Upvoted,
    "question:answered": wire.Answered,
    "question:tagged": wire.TagsOfQuestion,
    "question:untagged": wire.TagsOfQuestion,
    "question:pinned": wire.Pinned,
    "question:frozen": wire.Frozen,
    "question:removed": wire.Removed,
    "tags:changed": wire.AllTags,
    "teams:changed": wire.AllTeams,
}


def test_every_event_is_documented_with_its_data() -> None:
    documented = {code_in(row[0])[0]: code_in(row[1])[0] for row in rows(section(TEXT, "### Events of the log"))}
    assert tuple(documented) == events.EVENT_TYPES
    assert documented == {type_: members(struct) for type_, struct in DATA.items()}


def test_every_frame_of_the_stream_itself_is_documented() -> None:
    documented = {code_in(row[0])[0]: row[1] for row in rows(section(TEXT, "### Frames of the stream itself"))}
    assert set(documented) == set(CONTROL_TYPES)
    assert members(SnapshotView) in documented["snapshot"]
    assert {UNKNOWN_POSITION, EXPIRED_POSITION} <= set(code_in(documented["reset"]))


def test_every_parameter_is_documented() -> None:
    documented = {code_in(row[0])[0] for row in rows(section(TEXT, "## Parameters"))}
    taken = {field.alias or name for name, field in routes.StreamQuery.model_fields.items()}
    assert documented == {"tenantId", *taken}


def test_rhythms_are_those_of_the_engine() -> None:
    settings = HubSettings()
    shortest, longest = settings.retry_milliseconds
    assert f"a random number between {shortest} and {longest}" in TEXT
    assert f"every {settings.heartbeat_seconds:.0f} seconds" in TEXT
    assert f"takes nothing for {settings.stall_seconds:.0f} seconds" in TEXT


def test_every_client_that_is_tested_is_documented() -> None:
    documented = {row[0]: row[1] for row in rows(section(TEXT, "### What other clients need"))}
    assert documented == {name: "yes" if kind.reconnects else "no" for name, kind in KINDS.items()}


def members(struct: Any) -> str:
    return "{" + ", ".join(field.encode_name for field in msgspec.structs.fields(struct)) + "}"
