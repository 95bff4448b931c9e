from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import httpx
import pytest

from pulsestage.cli import addresses
from pulsestage.cli.addresses import direct, reached_at
from pulsestage.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

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
