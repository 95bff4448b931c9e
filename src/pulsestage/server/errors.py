"""What can go wrong with several workers, as a sentence for the terminal."""


class WorkerFailed(Exception):
    """A worker didn't start, or didn't stop; the message is the sentence to show."""
