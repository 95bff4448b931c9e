"""httpx-sse over httpx."""

import sys
import time
from contextlib import suppress

import httpx
from httpx_sse import connect_sse

from tests.live.python.frames import report, resuming

last_event_id = ""
with httpx.Client(timeout=httpx.Timeout(10, read=None)) as http:
    while True:
        with (
            suppress(httpx.TransportError),
            connect_sse(http, "GET", sys.argv[1], headers=resuming(last_event_id)) as stream,
        ):
            stream.response.raise_for_status()
            for event in stream.iter_sse():
                last_event_id = event.id
                report(last_event_id, event.data)
        time.sleep(1)
