"""Health and metrics."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from httpx import AsyncClient
from prometheus_client.parser import text_string_to_metric_families

import pulsestage
from pulsestage.domain.errors import Unavailable
from tests.http.conftest import Room, assert_problem, make_settings, new_room, serving


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[FastAPI]:
    """An application of one's own: its counters begin at zero."""
    async with serving(make_settings(tmp_path)) as app:
        yield app


async def test_health(guest: AsyncClient) -> None:
    assert (await guest.get("/health")).json() == {"ok": True, "version": pulsestage.__version__}
    assert (await guest.get("/health/live")).json() == {"ok": True}
    ready = await guest.get("/health/ready")
    assert (ready.status_code, ready.json()) == (200, {"ok": True, "failing": [], "degraded": []})


async def test_ready_names_what_fails(app: FastAPI, guest: AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away() -> None:
        raise Unavailable("The database can't be reached.")

    monkeypatch.setattr(app.state.context.directory, "check", away)
    answer = await guest.get("/health/ready")
    assert (answer.status_code, answer.json()) == (503, {"ok": False, "failing": ["database"], "degraded": []})
    await app.state.hub.close("shutdown")
    assert (await guest.get("/health/ready")).json()["failing"] == ["streams", "database"]
    assert (await guest.get("/health/live")).status_code == 200


async def test_ready_names_what_is_slower_than_it_should_be(
    app: FastAPI, guest: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(app.state.hub), "relay_healthy", False)
    answer = await guest.get("/health/ready")
    assert (answer.status_code, answer.json()) == (200, {"ok": True, "failing": [], "degraded": ["relay"]})


async def test_a_stream_at_the_end_is_refused_politely(app: FastAPI, guest: AsyncClient) -> None:
    await app.state.hub.close("shutdown")
    answer = await guest.get("/sse")
    assert_problem(answer, 503, "unavailable")
    assert int(answer.headers["retry-after"]) >= 1


async def test_metrics_are_readable_and_count(room: Room, guest: AsyncClient) -> None:
    question = await room.ask()
    await guest.post(f"/questions/{question}/upvote")
    await guest.get("/questions/none")
    await guest.request("BREW", "/coffee")
    page = await guest.get("/metrics")
    assert page.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = {family.name: family for family in text_string_to_metric_families(page.text)}
    counted = {
        (sample.labels["method"], sample.labels["route"], sample.labels["status"]): sample.value
        for sample in families["pulsestage_http_requests"].samples
        if sample.name.endswith("_total")
    }
    assert counted["POST", "/questions", "201"] == 1
    assert counted["POST", "/questions/{question_id}/upvote", "200"] == 1
    assert counted["other", "other", "404"] == 1
    assert all(family.documentation for family in families.values())
    assert all(name.startswith(("pulsestage_", "process_")) for name in families)
    assert question not in page.text


async def test_stream_metrics_are_for_moderators_and_of_their_tenant(
    room: Room, guest: AsyncClient, moderator: AsyncClient
) -> None:
    assert_problem(await guest.get("/sse/metrics"), 403, "not_allowed")
    nothing = {"totalConnections": 0, "tenantConnections": {}, "tenantCount": 0}
    assert (await moderator.get("/sse/metrics")).json() == nothing


async def test_two_pages_of_metrics_name_the_same(app: FastAPI, guest: AsyncClient) -> None:
    pages = [(await guest.get("/metrics")).text for _ in range(2)]
    names = [{family.name for family in text_string_to_metric_families(page)} for page in pages]
    assert names[0] <= names[1]
    other = (await new_room(app)).guest()
    assert (await other.get("/metrics")).status_code == 200


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded"])
async def test_metrics_are_not_for_those_who_come_through_a_proxy(guest: AsyncClient, header: str) -> None:
    assert_problem(await guest.get("/metrics", headers={header: "for=192.0.2.1"}), 403, "not_allowed")
