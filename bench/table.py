"""The fan-out's table: each figure with what it is held against, and whether it is where it should be."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bench.contenders import NAMES, OURS

Measured = Mapping[str, float]
KILOBYTE, MEGABYTE = 1024, 1024 * 1024


@dataclass(frozen=True)
class Figure:
    """A line. `against` and `bar` are left out where a figure is only shown."""

    text: str
    unit: str
    scale: float
    value: Callable[[Measured], float]
    against_text: str = ""
    against: Callable[[Measured], float] | None = None
    bar: float = 0.0

    def cells(self, rounds: Sequence[Measured]) -> list[str]:
        """Text, measured, against, bar, ratio of the medians, the rounds' ratios, verdict. KeyError if not measured."""
        medians = {name: statistics.median(each[name] for each in rounds) for name in rounds[0]}
        value = self.value(medians)
        shown = [self.text, _number(value * self.scale, self.unit)]
        if self.against is None:
            return [*shown, "", "", "", "", ""]
        against = self.against(medians)
        ratio = value / against
        ratios = [self.value(each) / self.against(each) for each in rounds]
        return [
            *shown,
            f"{self.against_text} {_number(against * self.scale, self.unit)}".strip(),
            f"≤ {self.bar:g} ×",  # noqa: RUF001 - a times sign
            f"{ratio:.2f}",
            f"{min(ratios):.2f} to {max(ratios):.2f}",
            "met" if ratio <= self.bar else "NOT met",
        ]


def _number(value: float, unit: str) -> str:
    digits = 0 if abs(value) >= 1000 else 1 if abs(value) >= 10 else 2  # noqa: PLR2004 - three digits or so
    return f"{value:,.{digits}f} {unit}".strip()


def _of(name: str) -> Callable[[Measured], float]:
    return lambda measured: measured[name]


def _fixed(value: float) -> Callable[[Measured], float]:
    return lambda _: value


def _against(text: str, unit: str, scale: float, ours: str, theirs: str, what: str, bar: float) -> Figure:
    return Figure(text, unit, scale, _of(ours), what, _of(theirs), bar)


def _grown(measured: Measured) -> float:
    return max(0.0, measured["stopped peak"] - measured["reading peak"])


FIGURES: tuple[Figure, ...] = (
    *(Figure(f"CPU per delivered event, {name}", "µs", 1e6, _of(f"delivery {name}")) for name in NAMES),
    *(Figure(f"memory per idle connection, {name}", "KB", 1 / KILOBYTE, _of(f"memory {name}")) for name in NAMES),
    Figure("CPU of one event without readers", "µs", 1e6, _of("alone")),
    *(
        _against("CPU per delivered event", "µs", 1e6, f"delivery {OURS}", f"delivery {name}", name, bar)
        for name, bar in (("C send loop", 1.25), ("Nchan", 1.0), ("Express", 0.5))
    ),
    _against("ten events in one flush, CPU per reader", "µs", 1e6, "ten", "one", "one event", 2.0),
    _against(
        "500 votes/s, CPU per reader and second",
        "µs",
        1e6,
        "votes cpu",
        "votes one write each",
        "one write per vote",
        0.1,
    ),
    Figure("   the server's core was busy", "%", 100, _of("votes busy")),
    Figure("   votes per second that were reached", "", 1, _of("votes rate")),
    Figure("   events per reader and second", "", 1, _of("votes events")),
    Figure("memory per idle connection", "KB", 1 / KILOBYTE, _of(f"memory {OURS}"), "", _fixed(3 * KILOBYTE), 1.0),
    _against("gzip, CPU per delivered event", "µs", 1e6, "gzip cpu", "identity cpu", "identity", 1.25),
    _against("gzip, bytes per delivered event", "B", 1, "gzip bytes", "identity bytes", "identity", 1.0),
    Figure("some stop reading, memory more", "MB", 1 / MEGABYTE, _grown, "", _fixed(10 * MEGABYTE), 1.0),
    _against("some stop reading, p99 of the others", "ms", 1, "stopped p99", "reading p99", "all read", 1.2),
    Figure("   median of the others", "ms", 1, _of("stopped median")),
    Figure("   streams that the server knew to be slow", "", 1, _of("stopped slow")),
    Figure("   streams that the server ended", "", 1, _of("stopped lost")),
    _against("all come back, wall time per join", "µs", 1e6, "back wall", "first wall", "first join", 1.0),
    _against("all come back, CPU per join", "µs", 1e6, "back cpu", "first cpu", "first join", 1.0),
    Figure("   streams that read the log", "", 1, _of("back catch-ups")),
    Figure("   streams that read the log, if none had stayed", "", 1, _of("again catch-ups")),
    Figure("   bytes got by read(), per join", "B", 1, _of("back reads")),
    Figure("   the same, first join", "B", 1, _of("first reads")),
    _against(
        "vote to the last screen, p99", "ms", 1e3, "all screen p99", "one screen median", "a single one, median", 3.0
    ),
    Figure("   median", "ms", 1e3, _of("all screen median")),
)


def print_table(rounds: Sequence[Measured]) -> None:
    """Every figure that was measured in all rounds."""
    lines = [["figure", "measured", "against", "bar", "ratio", "in the rounds", ""]]
    for figure in FIGURES:
        try:
            lines.append(figure.cells(rounds))
        except KeyError:
            continue
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        first, second, *others = [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
        print("  ".join([first, second.strip().rjust(widths[1]), *others]).rstrip())
