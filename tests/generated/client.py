"""A client of generated code alone: asks, votes, reads the page, and is refused. Argument: the server's address."""

import json
import sys

from pulsestage_client import Client
from pulsestage_client.api.questions import ask_question, list_questions
from pulsestage_client.api.votes import upvote_question
from pulsestage_client.models import Ask, ListQuestionsSort, Problem, ProblemCode, QuestionView
from pulsestage_client.types import Unset

ROOM = "python"


def main(base_url: str) -> None:
    # Each client keeps its cookie, as a browser does: it is somebody.
    asker, voter = Client(base_url), Client(base_url)
    asked = shown(ask_question.sync(client=asker, tenant_id=ROOM, body=Ask(body="Generated?")))
    own = refused(upvote_question.sync(asked.id, client=asker, tenant_id=ROOM))
    voted = shown(upvote_question.sync(asked.id, client=voter, tenant_id=ROOM))
    again = refused(upvote_question.sync(asked.id, client=voter, tenant_id=ROOM))
    invalid = refused(ask_question.sync(client=asker, tenant_id=ROOM, body=Ask(body="?")))
    page = list_questions.sync_detailed(client=voter, tenant_id=ROOM, sort=ListQuestionsSort.RECENT, limit=1)
    assert isinstance(page.parsed, list)
    told = {
        "asked": [asked.body, asked.upvotes, asked.is_mine, asked.created_at.tzname()],
        "voted": [voted.upvotes, voted.has_upvoted],
        "codes": [own.code is ProblemCode.OWN_QUESTION and own.code.value, again.code.value],
        "fields": [] if isinstance(invalid.fields, Unset) else sorted(invalid.fields.additional_properties),
        "page": [[question.body, question.upvotes, question.team_id] for question in page.parsed],
        "position": page.headers["X-Stream-Position"].count("."),
    }
    sys.stdout.write(json.dumps(told))


def shown(answer: QuestionView | Problem | None) -> QuestionView:
    assert isinstance(answer, QuestionView), answer
    return answer


def refused(answer: QuestionView | Problem | None) -> Problem:
    assert isinstance(answer, Problem), answer
    return answer


main(sys.argv[1])
