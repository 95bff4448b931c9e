"""The keyed hash that links a person to a question without naming the person.

Each question hashes with its own id, so that not even two questions of one person can be linked from the database
alone: `HMAC-SHA256(key, question id ‖ person id)`, cut to 128 bits. The key is never in the database.
"""

import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """Makes pseudonyms with one secret key (at least 32 bytes)."""

    key: bytes = field(repr=False)

    def of(self, person_id: str, question_id: str) -> str:
        """The person's pseudonym on this question: 22 characters of URL-safe base64."""
        digest = hmac.digest(self.key, f"{question_id}|{person_id}".encode(), "sha256")
        return urlsafe_b64encode(digest[:16]).decode().rstrip("=")
