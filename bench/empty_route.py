"""The yardstick: an empty FastAPI POST route under the same uvicorn settings. Started by the benchmark."""

import asyncio
import sys

import uvicorn
from fastapi import FastAPI

app = FastAPI()


@app.get("/health")
async def health() -> dict[str, bool]:
    """For the benchmark's wait."""
    return {"ok": True}


@app.post("/questions/{question_id}/upvote")
async def upvote(question_id: str) -> dict[str, str]:
    """Nothing but the framework."""
    return {"id": question_id}


if __name__ == "__main__":
    config = uvicorn.Config(app, port=int(sys.argv[1]), loop="uvloop", http="httptools", ws="none", log_config=None)
    config.access_log = False
    asyncio.run(uvicorn.Server(config).serve())
