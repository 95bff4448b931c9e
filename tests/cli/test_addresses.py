from __future__ import annotations

import socket
from typing import TYPE_CHECKING
from unittest.mock import MagicMock

import httpx
import pytest

from pulsestage.cli import addresses
from pulsestage.cli.addresses import direct, reached_at
from pulsestage.settings import Settings
from tests.http.conftest import make_settings
from tests.http.streaming.server import listening

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.cli.conftest import Start

EVERY_IPV4 = "0.0.0.0"  # noqa: S104 - compared, not bound
IN_THE_NETWORK = {socket.AF_INET: "192.168.1.20", socket.AF_INET6: "2001:db8::20"}


@pytest.mark.parametrize(
    "changed, own, expected",
    [
        ({}, IN_THE_NETWORK, ["http://127.0.0.1:80"]),
        ({"host": "10.0.0.11"}, IN_THE_NETWORK, ["http://10.0.0.11:80"]),
        ({"host": "here.example"}, IN_THE_NETWORK, ["http://here.example:80"]),
        ({"host": EVERY_IPV4}, IN_THE_NETWORK, ["http://192.168.1.20:80", "http://127.0.0.1:80"]),
        ({"host": EVERY_IPV4, "root_path": "/qa"}, {}, ["http://127.0.0.1:80/qa"]),
        (
            {"host": "::"},
            IN_THE_NETWORK,
            ["http://192.168.1.20:80", "http://[2001:db8::20]:80", "http://127.0.0.1:80"],
        ),
        ({"host": "::", "public_url": "https://qa.example/"}, IN_THE_NETWORK, ["https://qa.example"]),
    ],
)
def test_where_a_server_is_reached(
    monkeypatch: pytest.MonkeyPatch, changed: Mapping[str, str], own: Mapping[int, str], expected: list[str]
) -> None:
    monkeypatch.setattr(addresses, "_address_in_the_network", own.get)
    assert reached_at(Settings(_env_file=None, port=80, **changed)) == expected  # type: ignore[arg-type] # all are texts


@pytest.mark.parametrize(
    "own, address",
    [
        ("192.168.1.20", "192.168.1.20"),
        ("2001:db8::20", "2001:db8::20"),
        ("127.0.0.1", None),
        ("::1", None),
        ("169.254.7.20", None),
        ("fe80::20", None),
        (OSError("no network"), None),
    ],
)
def test_an_address_in_the_network_is_one_that_other_machines_can_reach(
    monkeypatch: pytest.MonkeyPatch, own: str | OSError, address: str | None
) -> None:
    unsent = MagicMock()
    unsent.__enter__.return_value.getsockname.side_effect = [own if isinstance(own, OSError) else (own, 9)]
    monkeypatch.setattr(socket, "socket", lambda *_: unsent)
    assert addresses._address_in_the_network(socket.AF_INET) == address


async def test_the_server_that_runs_is_found_without_a_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with listening(make_settings(tmp_path)) as server:
        assert await addresses._answers(server.base_url)
        assert not await addresses._answers("http://127.0.0.1:1")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "[::1]", "localhost"])
def test_nothing_diverts_requests_to_this_machine(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("ALL_PROXY", "nonsense://")
    url = f"http://{host}:7717"
    with httpx.Client(**direct(url)):
        pass
    with pytest.raises(ValueError, match="nonsense"):
        httpx.Client(**direct("http://qa.example.org"))


def test_commands_go_straight_to_this_machine(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        proxy = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        elsewhere = {"HTTP_PROXY": proxy, "http_proxy": proxy, "ALL_PROXY": proxy, "NO_PROXY": "", "no_proxy": ""}
        demo = start("demo", "--port", "0", "--audience", "1", **elsewhere)
        url = demo.printed(r"(http\S+)/app/acme\n").group(1)
        tail = start("tail", "--tenant", "acme", "--url", url, **elsewhere)
        tail.printed("connected")
        tried = start("conformance", url, "--tenant", "acme", "--read-only", **elsewhere)
        assert tried.ended() == 0, tried.out + tried.err
        tail.printed("question:upvoted")  # by the demo's audience
        nobody.setblocking(False)  # noqa: FBT003 - the standard library's
        with pytest.raises(BlockingIOError):
            nobody.accept()
        demo.stop()
