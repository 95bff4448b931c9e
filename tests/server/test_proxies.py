"""What a proxy tells of where a request came from, and whether it is believed."""

from pathlib import Path

import httpx
import pytest

from tests.http.conftest import make_settings
from tests.http.streaming.server import listening

BY_HTTPS = [("https",), ("HTTPS",), ("https,http",), ("Https , http",), ("https", "http")]
BY_HTTP = [("http",), ("http, https",), ("http", "https"), ("",), (",https",), ("ftp",), ("https://",)]


@pytest.mark.parametrize("trusted", ["127.0.0.1", "192.0.2.1"])
async def test_cookies_are_secure_when_a_trusted_proxy_says_https(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trusted: str
) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", trusted)
    async with listening(make_settings(tmp_path)) as server:

        async def is_secure(told: tuple[str, ...]) -> bool:
            lines = [("X-Forwarded-Proto", each) for each in told]
            async with httpx.AsyncClient(base_url=server.base_url, trust_env=False) as client:
                return "Secure" in (await client.get("/session", headers=lines)).headers["set-cookie"]

        assert [await is_secure(told) for told in BY_HTTPS] == [trusted == "127.0.0.1"] * len(BY_HTTPS)
        assert [await is_secure(told) for told in BY_HTTP] == [False] * len(BY_HTTP)
