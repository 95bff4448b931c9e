"""Who is who: guests, members, sign-in links and stream tickets.

A guest is a random person id in a signed cookie, and nothing else: it is not stored. A member is a row; the cookie
then names both, so that signing in keeps a person's own questions and votes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulsestage.domain.errors import InvalidToken
from pulsestage.domain.member import Member
from pulsestage.domain.policy import Actor, Role
from pulsestage.services.tokens import OneTimeToken, Session

if TYPE_CHECKING:
    from pulsestage.domain.tenant import Millis, Tenant
    from pulsestage.services.context import Context

LINK_MILLIS = 24 * 3600 * 1000
TICKET_MILLIS = 30 * 1000


async def actor_of(context: Context, tenant: Tenant, session: Session | None) -> Actor:
    """Who acts. A session of another tenant is no session; a member who is gone is a guest again."""
    if session is None or session.tenant_id != tenant.id:
        return Actor(tenant.id, person_id=context.new_id(), role=tenant.settings.guest_role)
    if session.member_id is not None:
        async with context.unit_of_work.read(tenant.id) as tx:
            member = await tx.members.find(session.member_id)
        if member is not None:
            return Actor(tenant.id, session.person_id, member.role, member.id)
    return Actor(tenant.id, session.person_id, tenant.settings.guest_role)


def make_link(context: Context, tenant: Tenant, role: Role) -> str:
    """A token that lets whoever uses it first be a member with this role; good for a day."""
    expires_at = context.clock() + LINK_MILLIS
    return context.signer.seal_token("sign-in", tenant.id, context.new_id(), expires_at, {"role": role.slug})


async def sign_in(context: Context, tenant: Tenant, guest: Actor, token: str) -> tuple[Actor, Session]:
    """Use a link. Raises InvalidToken."""
    opened = context.signer.open_token("sign-in", token, tenant.id, context.clock())
    async with context.unit_of_work.write(tenant.id) as tx:
        if not await tx.spent_tokens.spend(opened.id, opened.expires_at):
            raise InvalidToken
        member = Member(context.new_id(), tenant.id, Role.parse(opened.content["role"]), tx.now)
        await tx.members.add(member)
    session = Session(tenant.id, guest.person_id, member.id)
    return Actor(tenant.id, guest.person_id, member.role, member.id), session


def make_ticket(context: Context, actor: Actor) -> tuple[str, Millis]:
    """A ticket that opens one stream as this actor, and when it ends: for clients that can't send cookies."""
    expires_at = context.clock() + TICKET_MILLIS
    who = {"person": actor.person_id, "member": actor.member_id}
    return context.signer.seal_token("stream", actor.tenant_id, context.new_id(), expires_at, who), expires_at


def open_ticket(context: Context, tenant: Tenant, ticket: str) -> tuple[Session, OneTimeToken]:
    """Who the ticket was made for, and what is to be spent when it is used. Raises InvalidToken."""
    opened = context.signer.open_token("stream", ticket, tenant.id, context.clock())
    return Session(tenant.id, opened.content["person"], opened.content["member"]), opened


async def spend(context: Context, tenant: Tenant, opened: OneTimeToken) -> None:
    """Use a token up. Raises InvalidToken if somebody else has."""
    async with context.unit_of_work.write(tenant.id) as tx:
        if not await tx.spent_tokens.spend(opened.id, opened.expires_at):
            raise InvalidToken
