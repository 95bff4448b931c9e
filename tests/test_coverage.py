"""Which code must be run by the tests, and how it is said that it is not."""

from typing import Any

import pytest

from tests.conftest import LONGEST_FIRST
from tests.coverage import ELSEWHERE, ROOT, SOURCE, complaints, share


def a_file(taken: int, *missing: tuple[int, int], lines: tuple[int, ...] = ()) -> dict[str, Any]:
    """What SlipCover says of a file."""
    return {
        "missing_lines": list(lines),
        "missing_branches": [list(branch) for branch in missing],
        "summary": {"covered_branches": taken, "missing_branches": len(missing)},
    }


def a_report(**files: dict[str, Any]) -> dict[str, Any]:
    return {"files": {f"src/pulsestage/{name}/a.py": file for name, file in files.items()}}


def test_some_branches_may_be_left_out_elsewhere() -> None:
    report = a_report(http=a_file(95, *[(7, 8)] * 5, lines=(8,)), domain=a_file(0))
    assert share(report) == 0.95
    assert complaints(report) == []


def test_where_all_must_be_run_every_line_and_branch_is_named() -> None:
    report = a_report(http=a_file(1000), realtime=a_file(5, (3, 0), (3, 4), lines=(4, 9)), domain=a_file(5, lines=(2,)))
    assert complaints(report) == ["src/pulsestage/domain/a.py: 2", "src/pulsestage/realtime/a.py: 4, 9, 3→0, 3→4"]


def test_if_too_few_are_run_all_files_are_named() -> None:
    report = a_report(http=a_file(94, *[(7, 8)] * 6), storage=a_file(0, lines=(1,)), domain=a_file(0))
    assert [line.partition(":")[0] for line in complaints(report)] == [
        "src/pulsestage/http/a.py",
        "src/pulsestage/storage/a.py",
    ]


@pytest.mark.parametrize("name", LONGEST_FIRST)
def test_the_files_that_come_first_exist(name: str) -> None:
    assert (ROOT / "tests" / f"{name}.py").is_file()


@pytest.mark.parametrize("name", ELSEWHERE)
def test_what_is_left_out_exists(name: str) -> None:
    assert (SOURCE / name).is_file()


def test_each_line_that_is_left_out_says_why() -> None:
    lines = [line for path in SOURCE.rglob("*.py") for line in path.read_text().splitlines() if "no cover" in line]
    assert [line for line in lines if "# pragma: no cover - " not in line] == []
