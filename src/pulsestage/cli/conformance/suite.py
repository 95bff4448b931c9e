"""Runs the rules: several at a time, each with so many seconds, and whatever the server does becomes a result."""

from __future__ import annotations

import asyncio
import zlib
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pulsestage.cli.conformance.checks import answer, change, connection, filtering, framing, position, snapshot
from pulsestage.cli.conformance.probe import Probe, Tour
from pulsestage.cli.conformance.rules import Broken, Rule, Skipped
from pulsestage.cli.conformance.wire import Connection

if TYPE_CHECKING:
    from collections.abc import Callable

    from pulsestage.cli.conformance.guest import Guest
    from pulsestage.cli.conformance.probe import Plan

_MODULES = (answer, connection, framing, snapshot, filtering, position, change)
RULES = tuple(each for module in _MODULES for each in vars(module).values() if isinstance(each, Rule))
"""All of them, in the order of the files."""

AT_A_TIME = 8
HEARTBEAT_SECONDS = 35.0
_TELLING = (LookupError, TypeError, ValueError, AttributeError, RecursionError)
"""What comes of reading JSON that has another form than the contract says."""


class Unreachable(Exception):
    """Nobody listens there; the message says why."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a rule. `reason` is empty if it is kept."""

    rule: Rule
    outcome: Literal["ok", "failed", "skipped"]
    reason: str = ""


async def run(plan: Plan, on_result: Callable[[Result], None] = lambda _result: None) -> tuple[list[Result], str]:
    """Try all rules. Returns their results, and a sentence about what could not be cleaned up. Raises Unreachable."""
    await _reach(plan)
    guests: list[Guest] = []
    results: list[Result] = []
    try:
        tour, silent = await _look_around(plan, guests)
        at_once = asyncio.Semaphore(AT_A_TIME)

        async def one(rule: Rule) -> Result:
            if silent:
                result = Result(rule, "failed", tour.problem)
            else:
                async with at_once:
                    result = await _try(rule, plan, tour, guests)
            on_result(result)
            return result

        for alone in (False, True):
            results += await asyncio.gather(*(one(rule) for rule in RULES if rule.alone == alone))
    finally:  # after Ctrl-C too
        left = await _clean_up(plan, guests)
    return sorted(results, key=lambda result: RULES.index(result.rule)), left


async def _reach(plan: Plan) -> None:
    try:
        async with asyncio.timeout(plan.timeout_seconds):
            (await Connection.open(plan.target)).close()
    except TimeoutError:
        raise Unreachable(f"it doesn't answer within {plan.timeout_seconds:g} s") from None
    except OSError as error:
        raise Unreachable(error.strerror or str(error)) from None


async def _look_around(plan: Plan, guests: list[Guest]) -> tuple[Tour, bool]:
    """The frames that many rules look at, and whether the server doesn't even answer."""
    tour = Tour()
    probe = Probe(plan, tour, plan.timeout_seconds)
    silent = True
    try:
        stream = await probe.raw({"snapshot": "1", "lastEventId": "no-such-epoch.1"})
        silent = False
        stream = await probe.stream({"snapshot": "1", "lastEventId": "no-such-epoch.1"})
        tour.frames = stream.frames
        await stream.until("a snapshot", lambda frame: frame.type == "snapshot")
        if plan.writes:
            asker, voter = probe.guest(), probe.guest()
            asked = await asker.ask()
            (await voter.vote(asked)).must_be(200)
            (await voter.take_back(asked)).must_be(200)
            (await asker.withdraw(asked)).must_be(204)
            tour.secrets = [*asker.secrets, *voter.secrets]
            await stream.of_question("question:removed", asked)
    except (Broken, Skipped) as error:
        tour.problem = str(error)
    except (OSError, EOFError, zlib.error, *_TELLING) as error:
        tour.problem = _told(error)
    finally:
        probe.close()
        guests += probe.guests
    return tour, silent


async def _try(rule: Rule, plan: Plan, tour: Tour, guests: list[Guest]) -> Result:
    if rule.writes and not plan.writes:
        return Result(rule, "skipped", "it writes, and --read-only was given")
    if rule.slow and not plan.slow:
        return Result(rule, "skipped", "it waits for a heartbeat; --slow tries it")
    seconds = plan.timeout_seconds + (HEARTBEAT_SECONDS if rule.slow else 0)
    probe = Probe(plan, tour, seconds)
    try:
        async with asyncio.timeout(seconds + 1):  # waits have the same end, and can say what for
            await rule.check(probe)
    except Skipped as error:
        return Result(rule, "skipped", str(error))
    except Broken as error:
        return Result(rule, "failed", str(error))
    except TimeoutError:
        return Result(rule, "failed", f"not done within {seconds:g} s")
    except (OSError, EOFError, zlib.error, *_TELLING) as error:
        return Result(rule, "failed", _told(error))
    finally:
        probe.close()
        guests += probe.guests
    return Result(rule, "ok")


def _told(error: BaseException) -> str:
    kind = type(error).__name__
    if isinstance(error, zlib.error):
        return f"expected gzip; came something else ({error})"
    if isinstance(error, (OSError, EOFError)):
        return f"the connection broke ({kind})"
    return f"an answer has another form than the contract says: {kind} {error}"


async def _clean_up(plan: Plan, guests: list[Guest]) -> str:
    """Withdraw every question that is still there."""
    end = asyncio.get_running_loop().time() + plan.timeout_seconds
    for guest in guests:
        guest.deadline = end
        with suppress(Broken, OSError, EOFError):
            await guest.leave()
    left = sum(len(guest.asked) for guest in guests)
    return f"{left} questions of the suite could not be withdrawn." if left else ""
