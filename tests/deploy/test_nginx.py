"""What is nginx's own in `deploy/nginx.conf`, in the real nginx, in front of two real instances."""

import gzip
import signal
from pathlib import Path

import httpx
import pytest

from pulsestage.http.web import BUILT
from tests.chaos.site import Site
from tests.deploy.browser import ask, browser, following
from tests.deploy.proxies import Proxy


def nginx(directory: Path, site: Site, *changes: tuple[str, str]) -> Proxy:
    return Proxy(directory, "nginx", [each.port for each in site.instances], *changes)


async def test_a_reload_leaves_no_old_worker_behind(site: Site, tmp_path: Path) -> None:
    """A certificate is renewed every few weeks, and streams live for as long as somebody looks."""
    reloaded = nginx(tmp_path, site, ("worker_shutdown_timeout 30s", "worker_shutdown_timeout 1s"))
    try:
        async with browser(reloaded) as client:
            async with following(client) as stream:
                assert (await stream.next())["type"] == "connected"
                position = stream.last_id
                reloaded.signal(signal.SIGHUP)
                with pytest.raises((StopAsyncIteration, httpx.RemoteProtocolError, httpx.ReadError)):
                    await stream.until("something that no server sends")
            question = await ask(client)
            async with following(client, position) as stream:
                assert (await stream.until("question:created"))[-1]["data"]["id"] == question
    finally:
        reloaded.stop()


async def test_these_tests_would_see_a_buffer(site: Site, tmp_path: Path) -> None:
    """A buffering nginx still passes on each chunk of an answer; one that compresses it gathers."""
    changes = (
        ("proxy_buffering off;", "proxy_buffering on; proxy_ignore_headers X-Accel-Buffering;"),
        ("gzip off;", 'gzip on; gzip_types text/event-stream; proxy_set_header Accept-Encoding "";'),
    )
    buffering = nginx(tmp_path, site, *changes)
    try:
        async with browser(buffering, Accept_Encoding="gzip") as client:
            client.timeout = httpx.Timeout(3)
            with pytest.raises(httpx.ReadTimeout):
                async with following(client) as stream:
                    await stream.next()
    finally:
        buffering.stop()


async def test_what_is_compressed_already_is_left_alone_by_an_nginx_that_compresses_everything(
    site: Site, tmp_path: Path
) -> None:
    """A second time would make it larger, and no browser would see it."""
    everything = "server_tokens off; gzip on; gzip_types *; gzip_proxied any; gzip_min_length 1;"
    [script] = (BUILT / "assets").glob("page-*.js")
    compressing = nginx(tmp_path, site, ("server_tokens off;", everything))
    try:
        async with browser(compressing) as client:
            for _ in range(3):
                await ask(client)
            for path in (f"/app/assets/{script.name}", "/questions"):
                async with client.stream("GET", path, headers={"Accept-Encoding": "gzip"}) as answer:
                    body = b"".join([piece async for piece in answer.aiter_raw()])
                assert answer.headers.get_list("content-encoding") == ["gzip"]
                assert not gzip.decompress(body).startswith(b"\x1f\x8b")
    finally:
        compressing.stop()


async def test_one_address_may_ask_for_much_and_not_for_all(site: Site, tmp_path: Path) -> None:
    limited = nginx(tmp_path, site, ("rate=1000r/s", "rate=1r/m"), ("burst=10000", "burst=4"))
    try:
        async with browser(limited) as client, browser(limited, "127.0.0.4") as another:
            statuses = [(await client.get("/health")).status_code for _ in range(8)]
            assert statuses == [200] * 5 + [429] * 3
            assert (await another.get("/health")).status_code == 200
    finally:
        limited.stop()
