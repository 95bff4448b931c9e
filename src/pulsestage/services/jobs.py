"""Jobs that one instance does for all of them, again and again, such as pruning."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from pulsestage.domain.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pulsestage.services.ports import Leases

log = logging.getLogger(__name__)

LEASE_ROUNDS = 3
"""A lease lasts so many rounds: after the death of its holder another instance goes on that much later."""


async def repeat_on_one_instance(
    job: str, work: Callable[[], Awaitable[None]], *, leases: Leases, holder: str, seconds: float
) -> None:
    """Do the work every so many seconds while this instance has the job's lease. Gives it back when cancelled.

    Work that takes longer than the lease may be begun by a second instance, so two at once must do no harm.
    """
    holding = False
    try:
        while True:
            await asyncio.sleep(seconds)
            try:
                holding = await leases.take(job, holder, seconds=seconds * LEASE_ROUNDS)
                if holding:
                    await work()
            except Unavailable as error:
                log.warning("%s was not done: %s", job, error)
            except Exception:
                log.exception("%s failed; trying again in %s s", job, seconds)
    finally:
        if holding:
            await _give_back(job, leases, holder)


async def _give_back(job: str, leases: Leases, holder: str) -> None:
    try:
        await leases.give_back(job, holder)
    except Unavailable:
        log.info("the lease of %s could not be given back; it will expire", job)
