"""Everything that can be wrong with a request, as one tree. No HTTP status lives here; `http/errors.py` maps classes.

    PulseStageError
    ├── InvalidInput            the request itself is malformed; `fields` says where
    ├── NotFound                TenantNotFound · TeamNotFound · QuestionNotFound · TagNotFound
    ├── NotAllowed              the actor's role does not allow it; InvalidToken
    ├── Conflict                the state does not allow it: AlreadyUpvoted · NotUpvoted · OwnQuestion · QuestionFrozen
    │                           · QuestionAnswered · NameTaken · SlugTaken
    ├── TooManyRequests         this person is too fast; `retry_after_seconds`
    └── Unavailable             the server can't do it now; `retry_after_seconds`

`code` is stable and meant for programs, `error` is the short text clients show, `message` says what to do about it.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar


class PulseStageError(Exception):
    """Root of the tree. Subclasses set `code` and `error`; an instance adds the message."""

    code: ClassVar[str] = "error"
    error: ClassVar[str] = "Something went wrong"
    hint: ClassVar[str] = "Try again; if it happens again, tell the people who run this server."

    def __init__(self, message: str | None = None) -> None:
        self.message = message or self.hint
        super().__init__(self.message)


class InvalidInput(PulseStageError):
    """A value breaks a rule. `fields` maps the field's wire name to what is wrong with it."""

    code = "invalid_input"
    error = "Invalid input"

    def __init__(self, fields: Mapping[str, Sequence[str]]) -> None:
        self.fields = {name: list(problems) for name, problems in fields.items()}
        super().__init__("; ".join(f"{name}: {', '.join(problems)}" for name, problems in self.fields.items()))


class NotFound(PulseStageError):
    """What the request names does not exist for this tenant."""

    code = "not_found"
    error = "Not found"
    hint = "Check the address: nothing with this name exists here."


class TenantNotFound(NotFound):
    """No tenant has this slug."""

    code = "tenant_not_found"
    error = "Tenant not found"
    hint = "Check the tenant's slug in the X-Tenant-ID header or the tenantId parameter."


class TeamNotFound(NotFound):
    """No team of this tenant has this id or slug."""

    code = "team_not_found"
    error = "Team not found"
    hint = "GET /teams lists the teams of this tenant."


class QuestionNotFound(NotFound):
    """No visible question of this tenant has this id."""

    code = "question_not_found"
    error = "Question not found"
    hint = "It may have been removed; GET /questions lists the current ones."


class TagNotFound(NotFound):
    """No tag of this tenant has this id."""

    code = "tag_not_found"
    error = "Tag not found"
    hint = "GET /tags lists the tags of this tenant."


class NotAllowed(PulseStageError):
    """The actor's role does not allow the action."""

    code = "not_allowed"
    error = "Not allowed"
    hint = "Sign in with a link for a role that may do this."


class InvalidToken(NotAllowed):
    """A one-time link or ticket is wrong, expired or already used."""

    code = "invalid_token"
    error = "This link is no longer valid"
    hint = "A link works once and for a limited time; ask for a new one."


class Conflict(PulseStageError):
    """The present state does not allow the change."""

    code = "conflict"
    error = "Conflict"


class AlreadyUpvoted(Conflict):
    """This person's vote for this question is already counted."""

    code = "already_upvoted"
    error = "Already upvoted"
    hint = "Your vote is counted; each person has one vote per question."


class NotUpvoted(Conflict):
    """There is no vote of this person to take back."""

    code = "not_upvoted"
    error = "Not upvoted"
    hint = "You have no vote on this question to take back."


class OwnQuestion(Conflict):
    """People don't vote for their own questions."""

    code = "own_question"
    error = "Own question"
    hint = "You can't vote for your own question."


class QuestionFrozen(Conflict):
    """A moderator froze the question: no new votes, no answer."""

    code = "question_frozen"
    error = "Question is frozen"
    hint = "A moderator froze this question; it takes neither votes nor an answer until it is unfrozen."


class QuestionAnswered(Conflict):
    """The question is answered, so voting for it is over."""

    code = "question_answered"
    error = "Question is answered"
    hint = "This question is already answered."


class NameTaken(Conflict):
    """Another tag of this tenant has the name."""

    code = "name_taken"
    error = "Name taken"
    hint = "Choose another name: names are unique, whatever their case."


class SlugTaken(Conflict):
    """Another team or tenant has the slug."""

    code = "slug_taken"
    error = "Slug taken"
    hint = "Choose another slug: slugs are unique."


class TooManyRequests(PulseStageError):
    """This person is faster than the limits allow."""

    code = "too_many_requests"
    error = "Too many requests"

    def __init__(self, retry_after_seconds: int) -> None:
        self.retry_after_seconds = retry_after_seconds
        super().__init__(f"You are faster than this room allows; try again in {retry_after_seconds} s.")


class Unavailable(PulseStageError):
    """The server can't do this now; nothing was changed.

    `message` is for everybody. `reason` may name hosts and files, so it is for logs and terminals: as text the error is
    both.
    """

    code = "unavailable"
    error = "Temporarily unavailable"

    def __init__(self, message: str, retry_after_seconds: int = 1, reason: str = "") -> None:
        self.retry_after_seconds = retry_after_seconds
        self.reason = reason
        super().__init__(message)

    def __str__(self) -> str:
        return f"{self.message} {self.reason}".rstrip()
