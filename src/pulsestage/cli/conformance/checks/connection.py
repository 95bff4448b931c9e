"""What proxies and unusual clients do to a connection, and compression."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulsestage.cli.conformance.probe import OK
from pulsestage.cli.conformance.rules import Skipped, expect, rule

if TYPE_CHECKING:
    from pulsestage.cli.conformance.probe import Probe
    from pulsestage.cli.conformance.stream import Stream

_PARAMETERS = "streams.md#parameters"
_GARBAGE = b"\x00\xff garbage \x1f\x8b\r\n\r\n\r\nno request either\n\n"


@rule(_PARAMETERS)
async def gzip(probe: Probe) -> None:
    """Who accepts gzip gets gzip, says `Content-Encoding`, and the first frame can be read while the stream is open."""
    stream = await probe.stream(headers={"Accept-Encoding": "gzip"})
    expect(stream.head.all("content-encoding") == ["gzip"], "Content-Encoding: gzip", str(stream.head.headers))
    await stream.first("connected")


@rule(_PARAMETERS, writes=True)
async def gzip_is_flushed(probe: Probe) -> None:
    """In a gzip stream every event can be read as soon as it is sent."""
    stream = await probe.stream(headers={"Accept-Encoding": "gzip, deflate"})
    await stream.first("connected")
    await _hears(probe, stream)
    await _hears(probe, stream)


@rule("RFC 9110, section 12.5.5")
async def vary(probe: Probe) -> None:
    """`Vary` says that the answer depends on `Accept-Encoding`."""
    for headers in ({}, {"Accept-Encoding": "gzip"}):
        told = (await probe.stream(headers=headers)).head.get("vary")
        names = {name.strip().lower() for name in told.split(",")}
        expect(names & {"accept-encoding", "*"}, "Vary: Accept-Encoding", told or "no Vary")


@rule("RFC 9110, section 12.5.3")
async def gzip_refused(probe: Probe) -> None:
    """Who doesn't accept gzip, or gives it the weight 0, gets plain text."""
    for headers in ({}, {"Accept-Encoding": "gzip;q=0"}, {"Accept-Encoding": "gzip; q=0.000, identity"}):
        stream = await probe.stream(headers=headers)
        encoding = stream.head.get("content-encoding")
        expect(encoding in {"", "identity"}, f"no Content-Encoding with {headers}", encoding)
        await stream.first("connected")


@rule("RFC 9112, section 6.1")
async def http_1_0(probe: Probe) -> None:
    """A request of HTTP/1.0 is answered without chunks."""
    stream = await probe.raw(version="1.0")
    expect(stream.head.status == OK, "status 200", str(stream.head))
    coding = stream.head.get("transfer-encoding")
    expect(not coding, "no Transfer-Encoding", f"Transfer-Encoding: {coding}")
    await stream.first("connected")


@rule("RFC 9112, section 7.1")
async def http_1_1(probe: Probe) -> None:
    """A request of HTTP/1.1 is answered in chunks, so that clients that read in blocks have each event at once."""
    coding = (await probe.stream()).head.all("transfer-encoding")
    expect(coding == ["chunked"], "Transfer-Encoding: chunked", coding or "no Transfer-Encoding")


@rule("RFC 9112, section 9.3.2", writes=True)
async def garbage_after_the_request(probe: Probe) -> None:
    """What a client sends after its request, at once or later, doesn't disturb the stream."""
    late = await probe.stream()
    await late.first("connected")
    late.connection.send(_GARBAGE)
    await _hears(probe, late)
    early = await probe.raw(more=_GARBAGE)
    await early.first("connected")
    await _hears(probe, early)


@rule("RFC 9293, section 3.6.1", writes=True)
async def half_closed(probe: Probe) -> None:
    """A client that has closed its sending side still receives what happens later."""
    if probe.plan.target.tls:
        raise Skipped("TLS knows no half-closed connections")
    stream = await probe.stream()
    await stream.first("connected")
    stream.connection.end()
    await _hears(probe, stream)
    await _hears(probe, stream)


async def _hears(probe: Probe, stream: Stream) -> None:
    await stream.of_question("question:created", await probe.guest().ask())
