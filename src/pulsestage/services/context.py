"""What every use case is given: the ports and the few things that must not be taken from thin air."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from pulsestage.domain.anonymity import Pseudonyms
    from pulsestage.domain.tenant import Millis
    from pulsestage.services.census import Census
    from pulsestage.services.ports import Directory, Limits, PoolUsage, UnitOfWork
    from pulsestage.services.tokens import Signer
    from pulsestage.services.votes import VoteFolder


@dataclass(frozen=True, slots=True)
class Context:
    """Built once by `bootstrap.py`, passed to every use case."""

    unit_of_work: UnitOfWork
    directory: Directory
    pseudonyms: Pseudonyms
    signer: Signer
    limits: Limits
    votes: VoteFolder
    census: Census
    clock: Callable[[], Millis]
    new_id: Callable[[], str]
    pool_usage: Callable[[], PoolUsage]
