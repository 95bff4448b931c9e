"""`pulsestage tail`: a tenant's stream in the terminal, line by line, through restarts of the server."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

import httpx
import typer
from httpx_sse import EventSource

from pulsestage.cli.addresses import direct
from pulsestage.cli.tail_lines import line_of
from pulsestage.cli.terminal import Failure, err, one_line, out

if TYPE_CHECKING:
    from collections.abc import Callable

    from httpx_sse import ServerSentEvent

BACKOFF_SECONDS = (1.0, 2.0, 4.0, 8.0, 10.0)
SILENT_HEARTBEATS = 2.5
"""A connection on which nothing came for so many heartbeats is dead."""
USUAL_HEARTBEAT_SECONDS = 30.0


def tail(
    *,
    tenant: Annotated[str, typer.Option(help="The tenant's slug.")] = "default",
    url: Annotated[str, typer.Option(help="Address of the server.")] = "http://127.0.0.1:7717",
    events: Annotated[str | None, typer.Option(help="Only these types, separated by commas.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")] = False,
) -> None:
    """Print a tenant's events as they happen. When the connection ends, goes on where it was; Ctrl-C stops it."""
    parameters = {"tenantId": tenant} | ({"events": events} if events else {})
    show = _print_json if as_json else _print_line
    with suppress(KeyboardInterrupt), _client(url) as client:
        Tail(client, f"{url.rstrip('/')}/sse", parameters, show).follow()


def _client(url: str) -> httpx.Client:
    return httpx.Client(follow_redirects=True, timeout=10.0, **direct(url))


class Tail:
    """Follows one stream for ever. `show` gets each event, and the position from which the stream goes on after it."""

    def __init__(
        self,
        client: httpx.Client,
        url: str,
        parameters: dict[str, str],
        show: Callable[[dict[str, Any], str], None],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._url = url
        self._parameters = parameters
        self._show = show
        self._sleep = sleep
        self._position = ""
        self._failures = 0
        self._retry_seconds = BACKOFF_SECONDS[0]
        self._heartbeat_seconds = USUAL_HEARTBEAT_SECONDS

    def follow(self) -> None:
        """Read, and come back when the stream ends. Raises Failure when coming back is no use."""
        while True:
            try:
                reason = self._read()
            except httpx.ConnectError:
                reason = f"No server answers at {self._url}"
            except httpx.TransportError:
                reason = "The connection broke"
            wait = self._next_wait()
            err.print(f"{reason}; trying again in {wait:g} s", style="yellow", markup=False, soft_wrap=True)
            self._sleep(wait)

    def _next_wait(self) -> float:
        """The server says how soon to come back, so that not all do at once; if it isn't there, ever slower."""
        backoff = BACKOFF_SECONDS[min(self._failures, len(BACKOFF_SECONDS) - 1)]
        self._failures += 1
        return max(backoff, self._retry_seconds) if self._failures == 1 else backoff

    def _read(self) -> str:
        """Read one stream to its end, and say why it ended."""
        headers = {"Accept": "text/event-stream"}
        if self._position:
            headers["Last-Event-ID"] = self._position
        timeout = httpx.Timeout(10.0, read=SILENT_HEARTBEATS * self._heartbeat_seconds)
        with self._client.stream(
            "GET", self._url, params=self._parameters, headers=headers, timeout=timeout
        ) as response:
            if response.status_code != httpx.codes.OK:
                return self._refused(response)
            reason = "The stream ended"
            for message in EventSource(response).iter_sse():
                event = self._take(message)
                if event["type"] == "goodbye":
                    reason = f"The server closed the stream ({event['data']['reason']})"
        return reason

    def _take(self, message: ServerSentEvent) -> dict[str, Any]:
        if message.retry is not None:
            self._retry_seconds = message.retry / 1000
        try:
            event: dict[str, Any] = message.json()
        except ValueError:
            raise Failure(f"{self._url} sends what no PulseStage server would send.") from None
        if event["type"] == "connected":
            self._failures = 0
            self._heartbeat_seconds = float(event.get("heartbeatSeconds", USUAL_HEARTBEAT_SECONDS))
        # Without an `id` of its own, a message leaves the position where it is.
        position = message.id or self._position
        if event["type"] != "heartbeat":
            self._show(event, position)
        self._position = position
        return event

    def _refused(self, response: httpx.Response) -> str:
        """Why there is no stream, if it may be there later. Raises Failure if not."""
        response.read()
        try:
            problem = response.json()
        except ValueError:
            problem = {}
        detail = problem.get("detail") if isinstance(problem, dict) else None
        status = response.status_code
        if status >= httpx.codes.INTERNAL_SERVER_ERROR or status == httpx.codes.TOO_MANY_REQUESTS:
            return one_line(detail or f"The server answers {status}")
        if detail is None:
            raise Failure(f"{self._url} answers {status}; this seems to be no PulseStage server.")
        if problem.get("code") == "tenant_not_found":
            raise Failure(f"There is no tenant {self._parameters['tenantId']!r} at {self._url.removesuffix('/sse')}.")
        raise Failure(one_line(detail))


def _print_json(event: dict[str, Any], position: str) -> None:
    typer.echo(json.dumps({"id": position, **event}))


def _print_line(event: dict[str, Any], _position: str) -> None:
    # On a terminal an event has one line; in a file it has all of its text.
    out.print(line_of(event), soft_wrap=not out.is_terminal, no_wrap=True, overflow="ellipsis")
