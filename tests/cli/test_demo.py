from __future__ import annotations

import re
import socket
from itertools import chain
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from pulsestage.cli.demo_data import demo_rooms
from tests.cli.processes import Process, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cli.conftest import Start


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scratch")


@pytest.fixture(scope="module")
def demo(start: Start, scratch: Path) -> Iterator[Process]:
    """A demo whose usual port is taken."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        # What belongs to a real server must not be touched.
        real = {
            "PULSESTAGE_DATABASE_URL": "sqlite:///real.db",
            "PULSESTAGE_DATA_DIR": "real",
            "PULSESTAGE_RELAY_URL": "redis://127.0.0.1:1",
        }
        yield start("demo", "--audience", "3", TERM="dumb", TMPDIR=str(scratch), PULSESTAGE_PORT=port, **real)


@pytest.fixture(scope="module")
def url(demo: Process) -> str:
    return demo.printed(r"(http://127\.0\.0\.1:\d+)/app/acme\s").group(1)


@pytest.fixture(scope="module")
def listed(url: str) -> dict[str, list[dict[str, Any]]]:
    def questions(slug: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = httpx.get(f"{url}/questions", params={"tenantId": slug, "limit": 100}).json()
        return found

    return {slug: questions(slug) for slug in ("acme", "widgets")}


def test_it_takes_a_free_port_and_says_so(demo: Process, url: str) -> None:
    assert f"using {url.rpartition(':')[2]} instead" in demo.err


def test_the_real_relay_is_left_alone(demo: Process, url: str) -> None:
    assert httpx.get(f"{url}/health/ready").json()["degraded"] == []
    assert "relay" not in demo.err


def test_two_rooms_with_forty_questions(listed: dict[str, list[dict[str, Any]]]) -> None:
    prepared = {question.body for room in demo_rooms() for question in room.questions}
    shown = [question["body"] for question in chain(*listed.values())]
    assert len(prepared) == 40
    assert prepared <= set(shown)
    assert min(map(len, listed.values())) >= 10


def test_questions_in_every_state(listed: dict[str, list[dict[str, Any]]]) -> None:
    for questions in listed.values():
        assert {question["status"] for question in questions} == {"OPEN", "ANSWERED"}
        for sign in ("isPinned", "isFrozen", "teamId", "tags", "responseText"):
            assert {bool(question[sign]) for question in questions} == {True, False}
        assert len({question["upvotes"] for question in questions}) > 8
        assert len({question["createdAt"][:16] for question in questions}) > 8


def test_the_home_is_acme(url: str) -> None:
    assert httpx.get(url).headers["Location"].endswith("/app/acme")


def test_every_link_signs_in(demo: Process, url: str) -> None:
    demo.printed("Sign in with one of these")
    found = re.findall(r"(\w+), (\w+):\n\s+(http\S+)#signin=(\S+)", demo.out)
    assert [(slug, role) for slug, role, _, _ in found] == [
        ("acme", "moderator"),
        ("acme", "admin"),
        ("widgets", "moderator"),
    ]
    for slug, role, page, token in found:
        assert page == f"{url}/app/{slug}"
        answer = httpx.post(f"{url}/session", params={"tenantId": slug}, json={"token": token})
        assert answer.json()["role"] == role


def test_the_audience_votes(url: str) -> None:
    def votes() -> int:
        pages = (httpx.get(f"{url}/questions", params={"tenantId": slug, "limit": 100}) for slug in ("acme", "widgets"))
        return sum(question["upvotes"] for page in pages for question in page.json())

    before = votes()
    eventually(lambda: votes() != before)


def test_nothing_is_left(demo: Process, scratch: Path, start: Start) -> None:
    assert [path.name for path in scratch.iterdir()] != []
    assert demo.stop() == 0
    assert list(scratch.iterdir()) == []
    assert "Traceback" not in demo.err
    assert not (demo.directory / "real.db").exists()
    assert not (demo.directory / "real").exists()


def test_links_are_printed_to_a_terminal_only(start: Start, tmp_path: Path) -> None:
    demo = start("demo", "--port", "0", "--audience", "0", "--data-dir", str(tmp_path))
    url = demo.printed(r"(http\S+)/app/acme\n").group(1)
    name, _, value = (
        demo.printed(r"To sign in as moderator: (\S+) pulsestage link --tenant acme").group(1).partition("=")
    )
    link = start("link", "--tenant", "acme", **{name: value})
    assert link.ended() == 0
    assert link.out.startswith(f"{url}/app/acme#signin=")
    assert "signin=" not in demo.out


def test_kept_data_is_not_filled_twice(start: Start, tmp_path: Path) -> None:
    for _ in range(2):
        demo = start("demo", "--port", "0", "--audience", "0", "--quiet", "--data-dir", str(tmp_path / "kept"))
        url = demo.printed(r"\A(http://\S+)\n\Z").group(1)
        listed = httpx.get(f"{url}/questions", params={"tenantId": "acme", "limit": 100}).json()
        assert len(listed) == len(demo_rooms()[0].questions)
        assert demo.stop() == 0
        assert demo.err == ""
