"""PulseStage: self-hosted live Q&A for talks, lectures and all-hands meetings."""

from pathlib import Path

NEXT_RELEASE = "0.1.0"


def _version() -> str:
    """What the build or the editable install has written down, see `scripts/version.py`. A bare tree knows less."""
    try:
        return Path(__file__).with_name("version.txt").read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return f"{NEXT_RELEASE}.dev0"


__version__ = _version()
