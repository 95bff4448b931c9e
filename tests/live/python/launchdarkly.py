"""launchdarkly-eventsource of PyPI, which reconnects if it is told to."""

import sys

from ld_eventsource import SSEClient
from ld_eventsource.config import ErrorStrategy, RetryDelayStrategy

from tests.live.python.frames import report

client = SSEClient(
    sys.argv[1],
    error_strategy=ErrorStrategy.always_continue(),
    retry_delay_strategy=RetryDelayStrategy.default(max_delay=2, jitter_multiplier=0.5),
)
for event in client.events:
    report(event.last_event_id or "", event.data)
