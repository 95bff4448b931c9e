"""Runs `pulsestage` in forks of one process that has imported it: a command begins in milliseconds instead of a second.

`python forks.py SOCKET` is that process. `python -IS forks.py SOCKET run ARGUMENTS` is one command: it hands over its
arguments, environment, directory and open files, forwards signals, and ends with the command's exit code.
"""

import gc
import json
import os
import signal
import socket
import sys
from contextlib import suppress


def serve(path: str) -> None:
    """Fork for everybody who connects."""
    from pulsestage.cli import main  # noqa: PLC0415 - only here: the other side has to start fast

    # What commands import when they need it is imported here, once for all forks.
    sys.argv = ["pulsestage", "tenant", "create", "warm-up", "--database-url", f"sqlite:///{path}.db"]
    with suppress(SystemExit):
        main()
    gc.freeze()  # so that forks need not copy what they have in common
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the forks
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        while True:
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                message, files, _, _ = socket.recv_fds(connection, 1 << 20, 3)
                arguments, environment, directory = json.loads(message)
                command = os.fork()
                if command == 0:
                    for number, file in enumerate(files):
                        os.dup2(file, number)
                    os.environ.clear()
                    os.environ.update(environment)
                    os.chdir(directory)
                    sys.argv = ["pulsestage", *arguments]
                    try:
                        main()
                    except SystemExit as ended:
                        sys.stdout.flush()
                        sys.stderr.flush()
                        os._exit(int(ended.code or 0))  # taking the interpreter down would take as long as the command
                connection.send(b"%d\n" % command)
                _, status = os.waitpid(command, 0)
                connection.send(b"%d\n" % os.waitstatus_to_exitcode(status))
                os._exit(0)
            connection.close()


def run(path: str, arguments: list[str]) -> int:
    """Let one command run; its exit code."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        message = json.dumps([arguments, dict(os.environ), os.getcwd()]).encode()  # noqa: PTH109 - pathlib is slow to import
        socket.send_fds(connection, [message], [0, 1, 2])
        answers = connection.makefile()
        command = int(answers.readline())
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda number, _: os.kill(command, number))
        return int(answers.readline())


if __name__ == "__main__":
    if sys.argv[2:]:
        sys.exit(run(sys.argv[1], sys.argv[3:]))
    serve(sys.argv[1])
