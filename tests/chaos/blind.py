"""`pulsestage` that never compares what it knows with the log, and so never learns what nobody told it.

Like `deaf.py` this proves that the chaos run's judge can judge: gaps are still read, so that only the end is missing.
"""

from __future__ import annotations

from pulsestage.cli import main
from pulsestage.realtime.hub import Hub
from tests.chaos.deaf import never_look

if __name__ == "__main__":
    setattr(Hub, "check", never_look)  # noqa: B010 - a type checker is right to mind
    main()
