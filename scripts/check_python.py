"""Says in plain words when this Python is too old. Runs on any Python 3, so it uses nothing new."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - the old ones are whom this is for
    sys.exit(
        "PulseStage needs Python 3.11 or newer; {} is {}.{}. Name another one: make PYTHON=python3.13 ...".format(
            sys.executable, *sys.version_info[:2]
        )
    )
