"""What the log never shows, in either form."""

import io
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from pulsestage.server.logs import configure_logs
from tests.http.conftest import make_settings

QUESTION = "Why so late?"


@pytest.fixture(params=["json", "console"])
def log(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """All that is logged, in this form."""
    written = io.StringIO()
    root = logging.getLogger()
    handlers, level, configuration = root.handlers[:], root.level, structlog.get_config()
    monkeypatch.setattr("sys.stderr", written)
    configure_logs(make_settings(tmp_path, log_format=request.param))
    yield written
    root.handlers[:], root.level = handlers, level
    structlog.configure(**configuration)


def test_a_traceback_shows_where_and_no_values(log: io.StringIO) -> None:
    def store(question: str) -> None:
        raise RuntimeError(f"broken, {len(question)}")

    try:
        store(QUESTION)
    except RuntimeError:
        structlog.get_logger("ours").exception("failed")
        logging.getLogger("others").exception("failed too")
    shown = log.getvalue()
    assert shown.count("RuntimeError: broken, 12") == shown.count("in store") == 2
    assert QUESTION not in shown
