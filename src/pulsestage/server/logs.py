"""The form of the log: JSON lines for machines, readable lines on a terminal. Never a body, never an identity."""

from __future__ import annotations

import logging
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
import structlog

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor

    from pulsestage.settings import Settings


def configure_logs(settings: Settings, worker: int | None = None) -> None:
    """Send our log and the libraries' to stderr in one form. Where there are several workers, each line says whose."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    readable = settings.log_format == "console" or (settings.log_format == "auto" and sys.stderr.isatty())
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        *([] if worker is None else [partial(_add_worker, worker)]),
    ]
    # Rich would show the variables of each frame in a traceback: bodies, cookies, who has voted for what.
    console = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    last: Processor = console if readable else structlog.processors.JSONRenderer(_json)
    structlog.configure(
        processors=[*shared, *([] if readable else [structlog.processors.format_exc_info]), last],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *([] if readable else [structlog.processors.format_exc_info]),
                last,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("uvicorn.access", "alembic", "httpx", "httpcore"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _add_worker(worker: int, _logger: object, _method: str, event: EventDict) -> EventDict:
    return {**event, "worker": worker}


def _json(event: dict[str, Any], **_options: object) -> str:
    return msgspec.json.encode(event, enc_hook=repr).decode()
