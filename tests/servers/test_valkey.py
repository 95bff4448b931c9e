"""The Valkey the tests run on is a real one."""

import asyncio
from urllib.parse import urlsplit


async def test_tells_its_version(redis_url: str) -> None:
    address = urlsplit(redis_url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(b"INFO server\r\n")
    answer = await reader.readuntil(b"_version:")
    writer.close()
    await writer.wait_closed()
    assert answer.startswith(b"$")
