"""The first question on a new attendee's screen, over a slow network: real Chromium, which imitates the network.

    python -m bench.first_load [--runs 5] [--kilobits 400] [--round-trip 400] [--url http://127.0.0.1:7717/app/acme]

Without `--url` it starts `pulsestage demo` without an audience. Each run has a browser without cookies and cache. The
time begins with the navigation and ends with the frame that shows the first question. Chromium accepts brotli from
localhost, as from HTTPS, and only gzip from another name, as from plain HTTP: both are measured.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import statistics
import sys
from contextlib import nullcontext
from urllib.parse import urlsplit

from playwright.async_api import Browser, async_playwright

from bench.servers import LOAD_CORE, SERVER_CORE, running
from tests.live.cold_visit import NAMED, RESOLVE, Network, cold_visit
from tests.live.conftest import FLAGS

PORT = 7794
DEMO = ["-m", "pulsestage", "demo", "--audience", "0", "--quiet", "--port", str(PORT)]


async def measure(url: str, network: Network, runs: int) -> None:
    """Visit, and print a line for each name of the machine."""
    async with async_playwright() as playwright:
        chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        browser = await playwright.chromium.launch(executable_path=chromium, headless=True, args=[*FLAGS, RESOLVE])
        port = urlsplit(url).port
        for address in (url, url.replace(f"127.0.0.1:{port}", f"{NAMED}:{port}")):
            visits = [await visit(browser, address, network) for _ in range(runs)]
            seconds = [each for each, _ in visits]
            kilobytes = statistics.median(size for _, size in visits) / 1000
            each = " ".join(f"{second:.2f}" for second in sorted(seconds))
            print(f"{address}: {statistics.median(seconds):.2f} s ({each}), {kilobytes:.1f} KB")
        await browser.close()


async def visit(browser: Browser, url: str, network: Network) -> tuple[float, int]:
    """Seconds, and bytes on the wire until then."""
    async with cold_visit(browser, network) as opening:
        await opening.page.goto(url, wait_until="commit")
        milliseconds = await opening.first_question()
        return milliseconds / 1000, opening.bytes


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--kilobits", type=int, default=400, help="per second, in each direction")
    parser.add_argument("--round-trip", type=int, default=400, help="milliseconds")
    parser.add_argument("--url", help="of a room with a question; by default the demo's")
    given = parser.parse_args()
    network = Network(given.kilobits * 1000 // 8, given.round_trip)
    cores = {SERVER_CORE, LOAD_CORE}
    with nullcontext() if given.url else running([sys.executable, *DEMO], PORT, cores=cores):
        asyncio.run(measure(given.url or f"http://127.0.0.1:{PORT}/app/acme", network, given.runs))


if __name__ == "__main__":
    main()
