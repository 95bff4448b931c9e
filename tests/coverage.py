"""`pytest --coverage` measures which code of `pulsestage` the tests run, and fails the run if it is too little.

What other processes than the tests' own run is not measured.
"""

import json
from pathlib import Path
from typing import Any

import pytest
import slipcover

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src/pulsestage"
LEAST_BRANCHES = 0.95
"""Of all branches of the server, …"""
WHOLE = ("src/pulsestage/domain/", "src/pulsestage/realtime/")
"""… and here every line and every branch."""
ELSEWHERE = (
    *("cli/worker.py", "server/duty.py", "server/slot.py", "server/worker.py", "server/workers.py"),
    *("cli/serve.py", "cli/demo.py", "__main__.py"),
)
"""Run in processes of their own: the watching process, its workers, and commands that serve until they are stopped."""
UNTRIED = ("contracts/*",)
"""Tests themselves."""

Report = dict[str, Any]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--coverage", action="store_true", help="measure what the tests run, and fail if it is too little")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--coverage"):
        config.pluginmanager.register(Measuring(is_worker=hasattr(config, "workerinput")))


class Measuring:
    """Measures this process, and gathers what xdist's workers have measured."""

    def __init__(self, *, is_worker: bool) -> None:
        source, left_out = [str(SOURCE)], [str(SOURCE / name) for name in (*ELSEWHERE, *UNTRIED)]
        # What nobody has imported is looked for once, not by each worker.
        self._own = slipcover.Slipcover(branch=True, source=None if is_worker else source, omit=left_out)
        self._importing = slipcover.ImportManager(self._own, slipcover.FileMatcher(sources=source, omit=left_out))
        self._importing.__enter__()
        self._others: list[Report] = []

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """A worker of xdist has ended. One that has crashed has told nothing."""
        if report := getattr(node, "workeroutput", {}).get("coverage"):
            self._others.append(json.loads(report))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        report = self._own.get_coverage()
        if (output := getattr(session.config, "workeroutput", None)) is not None:
            output["coverage"] = json.dumps(report)  # sent to the controller
            return
        for other in self._others:
            slipcover.merge_coverage(report, other)
        self._complaints, self._share = complaints(report), share(report)
        if self._complaints and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        terminalreporter.section("coverage")
        terminalreporter.line(f"{self._share:.1%} of the branches were run; {LEAST_BRANCHES:.0%} must be")
        for line in self._complaints:
            terminalreporter.line(line, red=True)


def complaints(report: Report) -> list[str]:
    """What the tests should run and don't."""
    incomplete = {
        name: file
        for name, file in sorted(report["files"].items())
        if file["missing_lines"] or file["missing_branches"]
    }
    too_few = share(report) < LEAST_BRANCHES
    return [f"{name}: {missing(file)}" for name, file in incomplete.items() if too_few or name.startswith(WHOLE)]


def share(report: Report) -> float:
    """How many of the branches were taken."""
    summaries = [file["summary"] for file in report["files"].values()]
    taken, left = (sum(each[f"{which}_branches"] for each in summaries) for which in ("covered", "missing"))
    return float(taken / (taken + left)) if taken + left else 1.0


def missing(file: Report) -> str:
    """The lines, and the branches by where they begin and go to; 0 is out of the function."""
    return ", ".join([*map(str, file["missing_lines"]), *(f"{begin}→{end}" for begin, end in file["missing_branches"])])
