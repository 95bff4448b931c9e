from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
from typing import TYPE_CHECKING

import httpx
import pytest

from pulsestage.cli.serve import greeting
from pulsestage.settings import Settings
from tests.cli.processes import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Call, Start
    from tests.cli.processes import Process


EVERY_IPV4 = "0.0.0.0"  # noqa: S104 - every machine of this network may look at it for a moment


@pytest.fixture(scope="module")
def server(start: Start) -> Process:
    return start("serve", "--port", "0", TERM="dumb")


@pytest.fixture(scope="module")
def url(server: Process) -> str:
    return server.printed(r"serves (http://127\.0\.0\.1:[1-9]\d*);").group(1)


def test_port_0_tells_the_real_port(url: str) -> None:
    assert httpx.get(f"{url}/health").json()["ok"] is True


def test_the_room_is_named(server: Process, url: str) -> None:
    room = server.printed(r"Room default: (\S+)").group(1)
    assert room == f"{url}/app/default"
    assert httpx.get(room).status_code == 200


def test_the_link_signs_one_moderator_in(server: Process, url: str) -> None:
    link = server.printed(r"Sign in as moderator.* (http\S+)").group(1)
    page, _, token = link.partition("#signin=")
    assert page == f"{url}/app/default"
    first = httpx.post(f"{url}/session", params={"tenantId": "default"}, json={"token": token})
    again = httpx.post(f"{url}/session", params={"tenantId": "default"}, json={"token": token})
    assert (first.status_code, first.json()["role"]) == (201, "moderator")
    assert (again.status_code, again.json()["code"]) == (403, "invalid_token")


def test_a_link_is_printed_to_a_terminal_only(start: Start, tmp_path: Path) -> None:
    server = start("serve", "--port", "0", directory=tmp_path)
    assert server.printed(r"To sign in as moderator of default: (.*)").group(1) == "pulsestage link --tenant default"
    assert server.stop() == 0
    assert "signin=" not in server.out + server.err


def test_commands_name_the_address_of_the_server_that_runs(start: Start, url: str) -> None:
    link = start("link", "--tenant", "DEFAULT")
    assert link.ended() == 0
    page, _, token = link.out.strip().partition("#signin=")
    assert page == f"{url}/app/default"
    assert httpx.post(f"{url}/session", json={"token": token}).json()["role"] == "moderator"
    listed = start("tenant", "list")
    assert listed.ended() == 0
    assert f" {url}/app/default " in listed.out
    assert link.err == listed.err == ""


def test_an_address_where_nobody_answers_any_more_is_not_printed(start: Start, tmp_path: Path) -> None:
    server = start("serve", "--port", "0", directory=tmp_path)
    server.printed("serves")
    server.stop(signal.SIGKILL)
    link = start("link", "--tenant", "default", directory=tmp_path)
    assert link.ended() == 0
    assert link.out.startswith("http://127.0.0.1:7717/app/default#signin=")
    assert "No server was found that runs on this database; taking http://127.0.0.1:7717" in link.err
    again = start("serve", "--port", "0", directory=tmp_path)
    url = again.printed(r"serves (\S+);").group(1)
    link = start("link", "--tenant", "default", directory=tmp_path)
    assert link.ended() == 0
    assert link.out.startswith(f"{url}/app/default#")


@pytest.mark.parametrize("arguments", [("--host", "::"), ("--host", "::", "--workers", "2"), ("--host", EVERY_IPV4)])
def test_a_server_on_every_address_is_reached_at_each_and_says_where(
    start: Start, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    server = start("serve", "--port", "0", *arguments, directory=tmp_path)
    printed = [server.printed(r"serves (\S+);").group(1)]
    server.printed("To sign in")
    if others := re.search(r"It is also reached at (.*)\.\n", server.out):
        printed += others.group(1).split(" and ")
    port = printed[0].rpartition(":")[2]
    assert f"http://127.0.0.1:{port}" in printed
    hosts = [httpx.URL(each).host for each in printed]
    assert not {EVERY_IPV4, "::"}.intersection(hosts)
    if network := [each for each in hosts if each != "127.0.0.1"]:
        assert hosts[0] == network[0]  # which works from other machines
    families = ["127.0.0.1", "[::1]"] if "::" in arguments else ["127.0.0.1"]
    for address in [*printed, *(f"http://{each}:{port}" for each in families)]:
        assert httpx.get(f"{address}/health").json()["ok"] is True
    link = start("link", "--tenant", "default", directory=tmp_path)
    assert link.ended() == 0
    assert link.out.startswith(f"{printed[0]}/app/default#")
    assert server.stop() == 0


def test_a_second_server_on_the_port_says_so(call: Call, url: str) -> None:
    called = call("serve", "--port", url.rpartition(":")[2])
    assert called.code == 1
    assert "taken by another program" in called.err
    assert "Traceback" not in called.err


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_being_told_to_stop_is_no_failure(start: Start, how: signal.Signals) -> None:
    server = start("serve", "--port", "0")
    url = server.printed(r"serves (\S+);").group(1)
    with httpx.stream("GET", f"{url}/sse") as stream:
        received = stream.iter_text()
        assert "connected" in next(received)
        code = server.stop(how)
        assert "goodbye" in "".join(received)
    assert code == 0
    assert "Traceback" not in server.err


@pytest.mark.parametrize("workers", [1, 2])
def test_a_second_signal_ends_all_waiting(start: Start, workers: int) -> None:
    """A request of which half has come would be waited for until the 30 seconds for it are over."""
    settings = {"PULSESTAGE_SHUTDOWN_SECONDS": "3600", "PULSESTAGE_DATA_DIR": f"data-{workers}"}
    server = start("serve", "--port", "0", "--workers", str(workers), **settings)
    port = int(server.printed(r"serves http://127\.0\.0\.1:(\d+);").group(1))
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"GET /health HTTP/1.1\r\n")
        os.kill(server.pid, signal.SIGTERM)
        eventually(lambda: refuses(port))
        assert server.stop(signal.SIGTERM) == 0
    assert "Traceback" not in server.err


def refuses(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return True
    return False


def test_a_home_tenant_that_is_missing_is_pointed_out(tmp_path: Path) -> None:
    [_, hint] = asyncio.run(greeting(Settings(data_dir=tmp_path, home_tenant="acme")))
    assert hint == "The home tenant acme does not exist yet: pulsestage tenant create acme"


@pytest.mark.parametrize(
    "settings, sentence",
    [
        ({"PULSESTAGE_PORT": "many"}, "PULSESTAGE_PORT: Input should be a valid integer"),
        ({"PULSESTAGE_WORKER": "4"}, "There is no setting PULSESTAGE_WORKER; did you mean PULSESTAGE_WORKERS?"),
        ({"PULSESTAGE_SECRET_KEY": "kept secret"}, "PULSESTAGE_SECRET_KEY: use at least 32 characters"),
        ({"PULSESTAGE_SECRET_KEY_FILE": "/nowhere"}, "PULSESTAGE_SECRET_KEY_FILE: [Errno 2] No such file"),
        ({"PULSESTAGE_DATABASE_URL": "mysql://me:secret@there/it"}, "it begins with mysql."),
        ({"PULSESTAGE_DATABASE_URL": "something"}, "must begin with sqlite:///"),
        ({"PULSESTAGE_DATABASE_URL": "postgresql+asyncpg://me:secret@127.0.0.1:1/it"}, "database can't be reached"),
        ({"PULSESTAGE_DATABASE_URL": "postgres://me:secret@127.0.0.1:1/it"}, "Connection refused by 127.0.0.1:1/it."),
        ({"PULSESTAGE_DATABASE_URL": "postgres://me:secret@a/it?pool=1"}, "the parameter pool, which is not supported"),
        ({"PULSESTAGE_DATABASE_URL": "postgres://me:sec/secret@a/it"}, "must be percent-encoded"),
        ({"PULSESTAGE_DATA_DIR": "/dev/null/data"}, "Not a directory: /dev/null/data"),
        ({"PULSESTAGE_HOST": "192.0.2.1"}, "192.0.2.1 is no address of this machine"),
    ],
)
def test_what_can_not_be_used_is_one_sentence(call: Call, settings: dict[str, str], sentence: str) -> None:
    called = call("serve", **{"PULSESTAGE_PORT": "0", **settings})
    assert called.code == 1
    assert called.out == ""
    assert re.fullmatch(r"Error: [^\n]+\n", called.err)
    assert sentence in called.err
    assert "secret@" not in called.err
    assert "kept secret" not in called.err


@pytest.mark.parametrize(
    "relay, sentence",
    [
        ("redis://me:secret@127.0.0.1:1", "The relay can't be used: Connection refused by 127.0.0.1:1."),
        ("redis://me:secret@127.0.0.1:many", "The relay's URL can't be read."),
        ("amqp://me:secret@127.0.0.1", "A relay is `postgres`, `memory`, or a URL"),
        ("postgres", "needs a database that is PostgreSQL"),
    ],
)
def test_a_relay_that_can_not_be_used_is_found_at_the_start(call: Call, relay: str, sentence: str) -> None:
    called = call("serve", "--port", "0", PULSESTAGE_RELAY_URL=relay)
    assert called.code == 1
    assert called.out == ""
    last = called.err.splitlines()[-1]
    assert last.startswith("Error: ")
    assert sentence in last
    assert "Traceback" not in called.err
    assert "secret" not in called.err


def test_a_database_that_does_not_exist(call: Call, postgres_url: str) -> None:
    called = call("serve", "--port", "0", "--database-url", f"{postgres_url}_gone")
    assert called.code == 1
    assert re.fullmatch(r"Error: [^\n]+\n", called.err)


@pytest.mark.parametrize("arguments", [("--workers", "0"), ("--workers", "65"), ("--port", "65536"), ("--nonsense",)])
def test_wrong_usage_is_2(call: Call, arguments: tuple[str, ...]) -> None:
    assert call("serve", *arguments).code == 2


def test_a_failed_start_gives_the_port_back(call: Call) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for _ in range(2):
        called = call("serve", "--port", str(port), PULSESTAGE_DATA_DIR="/dev/null/data")
        assert "Not a directory" in called.err
