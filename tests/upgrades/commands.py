"""Runs a command of `pulsestage` for each line of stdin, and prints what came of it. Started by `test_commands.py`.

In one process, as most of what a command takes is the time to import everything.
"""

import contextlib
import io
import json
import shlex
import sys
import traceback

from pulsestage.cli import main

for line in sys.stdin:
    printed = io.StringIO()
    sys.argv = ["pulsestage", *shlex.split(line)]
    code = 0
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        except Exception:  # noqa: BLE001 - as the interpreter does it
            traceback.print_exc()
            code = 1
    print(json.dumps([code, printed.getvalue()]), flush=True)  # noqa: T201 - for the test
