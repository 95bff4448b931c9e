"""One of every event."""

from pulsestage.domain.policy import Role
from tests.http.conftest import Room


async def do_everything(room: Room) -> str:
    """One of every event, in the order of `EVERYTHING`."""
    admin = await room.member(Role.ADMIN)
    await admin.post("/teams", json={"name": "Sales", "slug": "sales"})
    tag = (await admin.post("/tags", json={"name": "Pay"})).json()["id"]
    question = await room.ask()
    await room.guest().post(f"/questions/{question}/upvote")
    await admin.put(f"/questions/{question}/tags/{tag}")
    await admin.delete(f"/questions/{question}/tags/{tag}")
    await admin.put(f"/questions/{question}/pin")
    await admin.put(f"/questions/{question}/freeze")
    await admin.delete(f"/questions/{question}/freeze")
    await admin.post(f"/questions/{question}/answer", json={"response": "Yes."})
    await admin.delete(f"/questions/{question}")
    return question


EVERYTHING = [
    "teams:changed", "tags:changed", "question:created", "question:upvoted", "question:tagged", "question:untagged",
    "question:pinned", "question:frozen", "question:frozen", "question:answered", "question:removed",
]  # fmt: skip
