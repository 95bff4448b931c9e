"""`requests`, which hands out lines. Its chunk size is left as it is."""

import sys
import time
from contextlib import suppress

import requests
from requests.exceptions import ChunkedEncodingError

from tests.live.python.frames import Frames

frames = Frames()
while True:
    with (
        suppress(requests.ConnectionError, ChunkedEncodingError),
        requests.get(sys.argv[1], headers=frames.connect(), stream=True, timeout=(10, None)) as answer,
    ):
        answer.raise_for_status()
        for line in answer.iter_lines():
            frames.read(line)
    time.sleep(1)
