"""sseclient-py over `requests`, as its README has it."""

import sys
import time
from contextlib import suppress

import requests
import sseclient
from requests.exceptions import ChunkedEncodingError

from tests.live.python.frames import report, resuming

last_event_id = ""
while True:
    with (
        suppress(requests.ConnectionError, ChunkedEncodingError),
        requests.get(sys.argv[1], headers=resuming(last_event_id), stream=True, timeout=(10, None)) as answer,
    ):
        answer.raise_for_status()
        for event in sseclient.SSEClient(iter(answer)).events():
            last_event_id = event.id or last_event_id
            report(last_event_id, event.data)
    time.sleep(1)
