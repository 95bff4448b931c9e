"""How the cost of an event and of its readers grows with their number: draws `docs/growth.svg`.

    python -m bench.growth [--rounds 3] [--only PulseStage,Nchan,...] [--most 10000] [--output docs/growth.svg]

For every server: CPU time of one event for all readers, and resident memory, at 100 to 10,000 connections. Medians of
the rounds; the same servers, event and cores as in `bench.fanout`.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.ticker import LogLocator, NullLocator

from bench.clients import clients
from bench.contenders import NAMES, OURS, PORT, contender, missing, sample_frame
from bench.costs import SETTLE_SECONDS, cost
from bench.servers import LOAD_CORE

SIZES = (100, 300, 1000, 3000, 10_000)
EVENTS = 20
DRAWING = Path(__file__).parent.parent / "docs/growth.svg"

Point = tuple[str, int]


def grow(name: str, frame: bytes, sizes: list[int]) -> dict[Point, tuple[float, float]]:
    """One server through all sizes: CPU seconds of an event, resident bytes."""
    found: dict[Point, tuple[float, float]] = {}
    with contender(name, frame) as each, clients(PORT) as readers:
        readers.request(each.stream)
        opened = 0
        for size in sizes:
            readers.open(size - opened, each.greeting)
            opened = size
            time.sleep(SETTLE_SECONDS)
            memory = each.server.resident_bytes()
            cost(each.server, readers, each.publish, 3)
            found[name, size] = cost(each.server, readers, each.publish, EVENTS), memory
    return found


def draw(medians: dict[Point, tuple[float, float]], names: list[str], sizes: list[int], output: Path) -> None:
    """Two plots side by side: time and memory."""
    mpl.rcParams.update({"svg.hashsalt": "growth", "svg.fonttype": "none", "font.size": 9})
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
    for axes, which, scale, title in (
        (left, 0, 1e3, "CPU time of one event for all readers, ms"),
        (right, 1, 1 / 1024 / 1024, "resident memory, MB"),
    ):
        for name in names:
            values = [medians[name, size][which] * scale for size in sizes]
            width = 2.5 if name == OURS else 1.2
            axes.plot(sizes, values, marker="o", markersize=3, linewidth=width, label=name)
        axes.set(xscale="log", yscale="log", xlabel="connections", title=title)
        axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.grid(alpha=0.3)
    left.legend()
    figure.savefig(output, metadata={"Date": None, "Creator": "python -m bench.growth"})


def show(medians: dict[Point, tuple[float, float]], names: list[str], sizes: list[int]) -> None:
    """The plot's numbers."""
    print(f"{'ms of CPU per event, MB':<24}" + "".join(f"{size:>20,}" for size in sizes))
    for name in names:
        cells = [medians[name, size] for size in sizes]
        print(f"{name:<24}" + "".join(f"{cpu * 1e3:>12.2f}{memory / 1024 / 1024:>8.1f}" for cpu, memory in cells))


def main() -> None:
    """Measure, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default=",".join(NAMES), help="some of: %(default)s")
    parser.add_argument("--most", type=int, default=SIZES[-1], help="leave out sizes above")
    parser.add_argument("--output", type=Path, default=DRAWING)
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {LOAD_CORE})
    absent, frame = missing(), sample_frame()
    names = [name for name in NAMES if name not in absent and name in arguments.only.split(",")]
    sizes = [size for size in SIZES if size <= arguments.most]
    rounds: dict[Point, list[tuple[float, float]]] = {}
    for number in range(1, arguments.rounds + 1):
        for name in names:
            for point, values in grow(name, frame, sizes).items():
                rounds.setdefault(point, []).append(values)
            print(f"round {number}: {name}", file=sys.stderr, flush=True)
    medians = {
        point: (statistics.median(cpu for cpu, _ in measured), statistics.median(memory for _, memory in measured))
        for point, measured in rounds.items()
    }
    show(medians, names, sizes)
    draw(medians, names, sizes, arguments.output)
    for name, needed in absent.items():
        print(f"NOT INSTALLED and so not measured: {name} ({needed})")


if __name__ == "__main__":
    main()
