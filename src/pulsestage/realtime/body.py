"""A stream as an async iterator of bytes, for frameworks whose responses send one."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from pulsestage.realtime.errors import HubClosed
from pulsestage.realtime.hub import Hub
from pulsestage.realtime.iterator_sink import IteratorSink
from pulsestage.realtime.request import StreamRequest


def stream_body(*, hub: Hub, request: StreamRequest) -> AsyncIterator[bytes]:
    """The body of a stream's response, for frameworks that are not given `respond`. Raises HubClosed.

    The response's head is yours: `Content-Type: text/event-stream`, `Cache-Control: no-cache`, and `Content-Encoding`
    if the request has one. The stream begins with the iteration and ends with it.
    """
    if not hub.running:
        raise HubClosed("the hub is not open")
    return _body(hub, request)


async def _body(hub: Hub, request: StreamRequest) -> AsyncGenerator[bytes]:
    sink = IteratorSink()
    try:
        await hub.subscribe(request, sink)
    except HubClosed:  # it was closed since it was looked at; the client reconnects
        return
    async with aclosing(sink.payloads()) as payloads:
        async for payload in payloads:
            yield payload
