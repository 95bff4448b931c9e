"""docs/events.md says what `/asyncapi.json` says, and `tests/http/test_asyncapi.py` that this is true."""

from pulsestage.http.asyncapi import describe
from scripts.render_asyncapi import render
from tests.docs.documents import read


def test_the_page_of_events_is_the_document() -> None:
    assert read("docs/events.md") == render(describe()), "run `.venv/bin/python -m scripts.render_asyncapi`"
