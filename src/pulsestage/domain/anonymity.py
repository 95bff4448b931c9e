"""The keyed hash that links a person to a question without naming the person.

Each question hashes with its own id, so that not even two questions of one person can be linked from the database
alone: `HMAC-SHA256(key, question id ‖ person id)`, cut to 128 bits. The key is never in the database.
"""

import hmac
from base64 import urlsafe_b64encode


class Pseudonyms:
    """Makes pseudonyms with one secret key (at least 32 bytes)."""

    def __init__(self, key: bytes) -> None:
        # Copied for each pseudonym: making it from the key takes twice as long as hashing.
        self._keyed = hmac.new(key, digestmod="sha256")

    def of(self, person_id: str, question_id: str) -> str:
        """The person's pseudonym on this question: 22 characters of URL-safe base64."""
        keyed = self._keyed.copy()
        keyed.update(f"{question_id}|{person_id}".encode())
        return urlsafe_b64encode(keyed.digest()[:16]).decode().rstrip("=")
