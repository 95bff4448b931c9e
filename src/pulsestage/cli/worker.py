"""The program of one worker of `pulsestage serve --workers`. No command: the supervisor starts it."""

from __future__ import annotations

import logging
import socket
import sys

from pulsestage.cli.terminal import explain, one_line, run
from pulsestage.server.duty import receive, work
from pulsestage.server.logs import configure_logs


def main() -> None:
    """Serve until told to stop; say why if that is not possible."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    channel.set_inheritable(False)
    try:
        duty = receive(channel)
        configure_logs(duty.settings, duty.number)
        run(work(duty, channel))
    except EOFError:
        sys.exit(1)
    except Exception as error:
        sentence = explain(error)
        if sentence is None:
            logging.getLogger("pulsestage.server").exception("The worker failed")
            sentence = "It failed; the log above says why."
        channel.sendall(f"failed {one_line(sentence)}\n".encode())
        sys.exit(1)


if __name__ == "__main__":
    main()
