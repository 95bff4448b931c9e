"""curl: one process per connection, with the header Last-Event-ID. Arguments: options of curl, and the address."""

import subprocess
import sys
import time

from tests.live.python.frames import Frames

*options, url = sys.argv[1:]
frames = Frames()
while True:
    command = ["curl", "--silent", "--fail", "--no-buffer", *options, url]
    for name, value in frames.connect().items():
        command += ["--header", f"{name}: {value}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as curl:
        assert curl.stdout is not None
        for line in curl.stdout:
            frames.read(line)
    time.sleep(1)
