"""A hall whose server is stopped: everybody is told, and it ends."""

from pathlib import Path

import pytest

from tests.stress.goodbyes import say_goodbye

STREAMS = 1000


@pytest.mark.timeout(60)
async def test_everybody_gets_a_goodbye_and_the_server_ends(tmp_path: Path) -> None:
    farewell = await say_goodbye(tmp_path, STREAMS)
    assert (farewell.goodbyes, farewell.exit_code) == (STREAMS, 0)
