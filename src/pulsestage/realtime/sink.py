"""Where a stream's bytes go: the engine's only knowledge of a connection.

The engine writes when the sink can take it and remembers a cursor when it can't, so a sink needs no queue. Every
implementation passes `pulsestage.contracts.sink.SinkContract`.
"""

from collections.abc import Callable
from typing import Protocol, runtime_checkable


class Sink(Protocol):
    """One reader's end of a stream. All of it is called on the event loop's thread; nothing blocks, nothing raises."""

    def attach(self, on_drain: Callable[[], None], on_close: Callable[[], None]) -> None:
        """Who is to be told. Called once, before anything is written.

        `on_drain` follows each write that returned False, as soon as the sink can take more, unless it closes first.
        `on_close` is called exactly once, when nothing can be sent any more, whoever ended it; nothing follows it.
        Neither is called from inside `write`.
        """

    def write(self, payload: bytes) -> bool:
        """Send these bytes, whole and in order. They are accepted in any case, unless the sink is closed.

        False: the sink is full. The caller writes no more until `on_drain`. After `close`, `abort` or `on_close` the
        bytes are dropped and False is returned.
        """

    def close(self, farewell: bytes = b"") -> None:
        """Send what was accepted, then `farewell`, then end. Only this may add bytes to a full sink: its last."""

    def abort(self) -> None:
        """End at once and let go of what was not sent."""


class MeasuredSink(Sink, Protocol):
    """A sink that sees how much its reader takes while it is full. Any other seems to take nothing until it drains."""

    @property
    def progress(self) -> int:
        """A number that is larger than before if the reader has taken something since."""


@runtime_checkable
class DirectSink(Sink, Protocol):
    """A sink that has a shorter way for most writes, such as the system call itself."""

    @property
    def direct(self) -> Callable[[bytes], int] | None:
        """Call this instead of `write` as long as the sink is not full; None if there is no such way just now.

        It returns how many bytes were taken. If that is not all, or it raises OSError, `write` is called with the rest.
        """

    def write(self, payload: bytes | memoryview) -> bool:
        """As every sink's; also for what `direct` has left."""
