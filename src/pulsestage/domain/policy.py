"""Who may do what. Roles are ordered; an action needs a role at least as high as the one named here."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Self

from pulsestage.domain.errors import NotAllowed


class Role(IntEnum):
    """What a person is in a tenant, weakest first. Each role may do all that those below it may."""

    VIEWER = 1
    MEMBER = 2
    MODERATOR = 3
    ADMIN = 4
    OWNER = 5

    @property
    def slug(self) -> str:
        """The role's name in addresses, settings and answers."""
        return self.name.lower()

    @classmethod
    def parse(cls, slug: str) -> Self:
        """The role of that name. Raises ValueError."""
        for role in cls:
            if role.slug == slug:
                return role
        raise ValueError(f"unknown role {slug!r}; one of {', '.join(role.slug for role in cls)}")


class Action(StrEnum):
    """What can be asked of the service, as coarse as the rules are."""

    READ = "read"
    ASK = "ask"
    VOTE = "vote"
    MODERATE = "moderate"
    MANAGE_TAGS = "manage-tags"
    MANAGE_TEAMS = "manage-teams"


NEEDS = {
    Action.READ: Role.VIEWER,
    Action.ASK: Role.MEMBER,
    Action.VOTE: Role.MEMBER,
    Action.MODERATE: Role.MODERATOR,
    Action.MANAGE_TAGS: Role.MODERATOR,
    Action.MANAGE_TEAMS: Role.ADMIN,
}

PUBLIC = "public"
MODERATORS = "moderators"


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody acting in one tenant. A guest has no `member_id`; `person_id` is never stored or sent as it is."""

    tenant_id: str
    person_id: str
    role: Role
    member_id: str | None = None

    def may(self, action: Action) -> bool:
        """Whether the actor's role allows the action."""
        return self.role >= NEEDS[action]

    def require(self, action: Action) -> None:
        """Raise NotAllowed unless the actor may do it."""
        if not self.may(action):
            needed = NEEDS[action].slug
            raise NotAllowed(f"This needs the role {needed} or higher; you are {self.role.slug} here.")

    @property
    def audiences(self) -> tuple[str, ...]:
        """The audiences whose events this actor may see, the most privileged first."""
        return (MODERATORS, PUBLIC) if self.may(Action.MODERATE) else (PUBLIC,)
