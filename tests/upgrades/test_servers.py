"""Servers of the version before and of this one serve one database together."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.cli.processes import Process, eventually
from tests.server.supervised import Site
from tests.upgrades.follower import Follower

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.timeout(180)

SETTINGS = {
    "PULSESTAGE_SECRET_KEY": "the same for both of the versions",
    "PULSESTAGE_SAFETY_SECONDS": "0.2",
    "PULSESTAGE_PRUNE_SECONDS": "0.5",
}


def test_instances_of_both_versions_serve_postgresql(tmp_path: Path, version_before: str, postgres_url: str) -> None:
    def start(**path: str) -> Process:
        arguments = ("serve", "--port", "0", "--database-url", postgres_url)
        return Process(tmp_path, *arguments, **SETTINGS, **path)

    def address(server: Process) -> str:
        return server.printed(r"serves (\S+);").group(1)

    old, new, again = start(PYTHONPATH=version_before), None, None
    try:
        # It has statements prepared when the schema changes under it.
        serve_each_other(address(old), address(old))
        new = start()
        serve_each_other(address(old), address(new))
        find_what_the_old_one_indexed(address(old), address(new))
        assert version_of(address(old)) == "0.1.0" != version_of(address(new))
        assert old.stop(signal.SIGKILL) == -signal.SIGKILL
        again = start(PYTHONPATH=version_before)
        serve_each_other(address(again), address(new))
        assert new.stop() == 0
        assert again.stop() == 0
        assert "Traceback" not in again.err + new.err
    finally:
        for server in (old, new, again):
            if server is not None:
                server.stop(signal.SIGKILL)


def test_workers_of_both_versions_serve_sqlite(tmp_path: Path, version_before: str) -> None:
    # What is installed is changed under a running supervisor, as `pip install` does it.
    installed = tmp_path / "installed"
    installed.symlink_to(version_before)
    site = Site(tmp_path, PYTHONPATH=str(installed), **SETTINGS)
    try:
        assert site.url
        installed.unlink()
        restart_worker(site, 1)
        serve_each_other(site.alone(0), site.alone(1))
        find_what_the_old_one_indexed(site.alone(0), site.alone(1))
    finally:
        site.end()


def restart_worker(site: Site, number: int) -> None:
    """Kill a worker; the supervisor starts another one, of what is installed now."""
    before = len(site.started(number))
    os.kill(site.started(number)[-1], signal.SIGKILL)
    eventually(lambda: len(site.started(number)) > before, seconds=40)


def serve_each_other(old: str, new: str) -> None:
    """What somebody does at one server is seen at the other."""
    with Follower(old) as one, Follower(new) as other:
        for author, voter in ((one, other), (other, one)):
            question = author.ask("Can we go back to the version before?")
            voter.sees("question:created", questionId=question)
            voter.vote(question)
            author.sees("question:upvoted", questionId=question, upvotes=1)


def find_what_the_old_one_indexed(old: str, new: str) -> None:
    """The version before has no folding of ł, and writes the words of a question as it knows them."""
    with Follower(old) as one, Follower(new) as other:
        question = one.ask("Łódź?")
        eventually(lambda: question in other.finds("lodz"))


def version_of(url: str) -> str:
    return str(httpx.get(f"{url}/health").json()["version"])
