"""aiohttp, which hands out lines. The limit of their length is left as it is."""

import asyncio
import sys
from contextlib import suppress

import aiohttp

from tests.live.python.frames import Frames


async def main(url: str) -> None:
    frames = Frames()
    forever = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(timeout=forever, raise_for_status=True) as http:
        while True:
            with suppress(aiohttp.ClientConnectionError, aiohttp.ClientPayloadError):
                async with http.get(url, headers=frames.connect()) as answer:
                    async for line in answer.content:
                        frames.read(line)
            await asyncio.sleep(1)


asyncio.run(main(sys.argv[1]))
