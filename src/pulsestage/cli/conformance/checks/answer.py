"""How a request for a stream is answered."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from pulsestage.cli.conformance.probe import OK
from pulsestage.cli.conformance.rules import Broken, expect, rule

if TYPE_CHECKING:
    from pulsestage.cli.conformance.guest import Query
    from pulsestage.cli.conformance.probe import Probe
    from pulsestage.cli.conformance.wire import Answer

_ANSWER = "streams.md#the-answer"
_PARAMETERS = "streams.md#parameters"


@rule(_ANSWER)
async def status(probe: Probe) -> None:
    """A stream is answered with HTTP/1.1 and status 200."""
    head = (await probe.raw()).head
    expect((head.version, head.status) == ("1.1", 200), "HTTP/1.1 200", f"HTTP/{head.version}, {head}")


@rule(_ANSWER)
async def content_type(probe: Probe) -> None:
    """The content type is exactly `text/event-stream`, without a charset."""
    await _header(probe, "content-type", "text/event-stream")


@rule(_ANSWER)
async def cache_control(probe: Probe) -> None:
    """`Cache-Control` is `no-cache`."""
    await _header(probe, "cache-control", "no-cache")


@rule(_ANSWER)
async def no_buffering(probe: Probe) -> None:
    """`X-Accel-Buffering` is `no`, so that proxies pass on every frame at once."""
    await _header(probe, "x-accel-buffering", "no")


async def _header(probe: Probe, name: str, value: str) -> None:
    head = (await probe.raw()).head
    expect(head.status == OK, "a stream", str(head))
    expect(head.all(name) == [value], f"{name}: {value}, once", head.all(name) or "no such header")


@rule(_ANSWER)
async def no_length(probe: Probe) -> None:
    """A stream has no length."""
    head = (await probe.stream()).head
    expect(not head.all("content-length"), "no Content-Length", head.all("content-length"))


@rule(_ANSWER)
async def both_paths(probe: Probe) -> None:
    """A stream is at `/sse` and at `/events`."""
    for path in ("/sse", "/events"):
        await (await probe.stream(path=path)).first("connected")


@rule(_PARAMETERS)
async def both_names_of_the_tenant(probe: Probe) -> None:
    """`tenantId` and `tenant` name the tenant on both paths."""
    for path in ("/sse", "/events"):
        for name in ("tenantId", "tenant"):
            await _is_of(probe, probe.plan.tenant, {name: probe.plan.tenant}, path)


@rule(_PARAMETERS)
async def default_tenant(probe: Probe) -> None:
    """A stream that names no tenant is of the tenant `default`."""
    await _is_of(probe, "default", {"tenantId": None}, "/sse")


async def _is_of(probe: Probe, slug: str, query: Query, path: str) -> None:
    [connected] = await (await probe.stream(query, path=path)).first("connected")
    expect(connected.event.get("tenantSlug") == slug, f"tenantSlug {slug!r} with {query} at {path}", connected.raw)


@rule(_ANSWER)
async def unknown_tenant(probe: Probe) -> None:
    """An unknown tenant is a 404, as a problem whose `error` is `Tenant not found`."""
    for path in ("/sse", "/events"):
        answer = await probe.refusal({"tenantId": f"none-{uuid4()}"}, path=path)
        _is_problem(answer, 404, "tenant_not_found", "Tenant not found")


@rule(_PARAMETERS)
async def unknown_event_type(probe: Probe) -> None:
    """An unknown event type is a 422 that names it."""
    name = "question:painted"
    answer = await probe.refusal({"events": f"question:created,{name}"})
    _is_problem(answer, 422, "invalid_input", "Invalid input")
    expect(name.encode() in answer.body, f"a problem that names {name}", answer.body)


@rule(_ANSWER)
async def unknown_team(probe: Probe) -> None:
    """An unknown team is a 404."""
    _is_problem(await probe.refusal({"team": f"none-{uuid4()}"}), 404, "team_not_found", "Team not found")


def _is_problem(answer: Answer, status: int, code: str, error: str) -> None:
    answer.must_be(status)
    kind = answer.head.get("content-type").partition(";")[0]
    expect(kind == "application/problem+json", "application/problem+json", kind)
    problem = answer.json()
    if not isinstance(problem, dict):
        raise Broken("a problem", answer.body)
    missing = {"type", "title", "status", "detail", "code", "error"} - problem.keys()
    expect(not missing, f"a problem with {', '.join(sorted(missing))}", answer.body)
    told = (problem["status"], problem["code"], problem["error"])
    expect(told == (status, code, error), f"status, code and error {(status, code, error)}", told)


@rule("RFC 9110, section 9.3.2")
async def head_without_a_body(probe: Probe) -> None:
    """HEAD has the headers of GET and no body."""
    asked = await probe.raw(headers={"Connection": "close"}, method="HEAD")
    read = await probe.raw()
    for name in ("content-type", "cache-control", "x-accel-buffering", "content-encoding", "vary"):
        ours, theirs = ([str(head.status), *head.all(name)] for head in (asked.head, read.head))
        expect(ours == theirs, f"status and {name} {theirs}, as for GET", ours)
    try:
        body = await asked.connection.rest()
    except OSError:
        return  # cut off rather than ended, and nothing came either
    expect(not body, "no body", body)
