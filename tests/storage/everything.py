"""One of everything that a tenant can have, so that each of its tables has a row."""

from pulsestage.domain import question as life
from pulsestage.domain.member import Member
from pulsestage.domain.policy import Role
from pulsestage.domain.team import Team
from pulsestage.services.ports import UnitOfWork
from tests.domain.examples import LATER, NOW, a_question, a_tag

TEAM = Team("m1", "t1", "Engineering", "engineering", None, is_active=True, created_at=NOW)
QUESTION = a_question(team_id="m1")
TAG = a_tag("g1", "Pay")


async def fill(unit_of_work: UnitOfWork, tenant: str = "t1") -> None:
    """One of everything, for one tenant."""
    async with unit_of_work.write(tenant) as tx:
        await tx.teams.add(TEAM)
        await tx.tags.add(TAG)
        await tx.tags.add(a_tag("g2", "Food"))
        await tx.questions.add(QUESTION, ["office"])
        await tx.questions.add_tag("q1", "g1")
        await tx.votes.change({("q1", "ann")}, set(), [a_question(upvotes=1)])
        await tx.members.add(Member("p1", "t1", Role.OWNER, NOW))
        await tx.spent_tokens.spend("token", LATER)
        tx.append(life.pin(QUESTION, "p1", NOW)[1])
