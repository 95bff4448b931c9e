"""The tool itself: which changes it makes, and that it tells those that a test notices from the others."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mutants.__main__ import PACKAGES, ROOT, draw, table
from tests.mutants.changes import Change, changes_of
from tests.mutants.nearest import SOURCE, nearest, sources
from tests.mutants.trial import RedTests, Tree, trees, trial

HERE = SOURCE / "hall/limits.py"
LIMIT = 'def fits(number: int) -> bool:\n    """Whether there is room."""\n    return number < 10\n'
GOOD = "from pulsestage.hall import limits\n\n\ndef test_fits() -> None:\n    assert limits.fits(9)\n"


@pytest.mark.parametrize(
    "source,changed",
    [
        ("x = a < b", {"x = a <= b"}),
        ("x = a is not None", {"x = a is None"}),
        ("x = a and b and c", {"x = (b and c)", "x = (a and c)", "x = (a and b)"}),
        ("x = 7", {"x = 8"}),
        ("x = True", {"x = False"}),
        ("x = a + 1", {"x = (a - 1)", "x = a + 2"}),
        ("x = 'word'", {"x = 'wordX'"}),
        ("x = 'some prose'", set()),
        ("if a:\n    b.c = d", {"if not (a):\n    b.c = d", "if a:\n    pass"}),
        ("if not a:\n    b()", {"if bool(a):\n    b()", "if not a:\n    pass"}),
        ("def f():\n    'ö'\n    return a", {"def f():\n    'ö'\n    return None"}),
        ("def f(a: A = 1) -> B: raise E", {"def f(a: A = 2) -> B: raise E", "def f(a: A = 1) -> B: pass"}),
        ("[a for a in b if c]", {"pass", "[a for a in b if not (c)]"}),
        ("log.info('word')\nassert a == b", set()),
        ("class A:\n    __slots__ = ('a',)\n    def __init__(self):\n        self.a = b", set()),
    ],
)  # fmt: skip
def test_each_change_is_one_small_one(source: str, changed: set[str]) -> None:
    found = changes_of(HERE, source.encode())
    assert {change.apply(source.encode()).decode() for change in found} == changed
    assert len(found) == len(changed)


def test_every_change_of_the_project_makes_a_program_that_runs() -> None:
    for path in sources(ROOT, "realtime")[:8]:
        source = (ROOT / path).read_bytes()
        for change in changes_of(path, source):
            ast.parse(change.apply(source))


def test_every_source_has_tests_near_it() -> None:
    assert nearest(ROOT, SOURCE / "storage/votes.py") == ["tests/storage/test_votes.py"]
    assert "tests/http/test_tags_and_teams.py" in nearest(ROOT, SOURCE / "services/tags.py")
    for package in PACKAGES:
        assert all((ROOT / test).exists() for source in sources(ROOT, package) for test in nearest(ROOT, source))


def test_a_seed_draws_the_same_and_a_sample_is_no_larger_than_it_may_be() -> None:
    changes = changes_of(HERE, "\n".join(f"x = {number}" for number in range(50)).encode())
    assert draw(changes, 1, 20) == draw(changes[::-1], 1, 20)
    assert draw(changes, 1, 20) != draw(changes, 2, 20)
    assert len(draw(changes, 1, 100)) == 50


def test_the_table_has_a_score_for_each_package_and_for_all() -> None:
    _, domain, http, together = table({"domain": (10, 9), "http": (30, 15)})
    assert [line.split() for line in (domain, http, together)] == [
        ["domain", "10", "9", "90%"],
        ["http", "30", "15", "50%"],
        ["together", "40", "24", "60%"],
    ]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one function, and one test that notices half of what can be changed of it."""
    for path, text in {
        "pyproject.toml": "[tool.pytest]\nfilterwarnings = ['error']\naddopts = ['--import-mode=importlib']\n",
        "src/pulsestage/__init__.py": "",
        "src/pulsestage/hall/limits.py": LIMIT,
        "tests/hall/test_limits.py": GOOD,
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


@pytest.fixture
def copy(project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tree]:
    """A copy of it, whose tests need nothing that takes long to import."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    with trees(project, 1, libraries=(), options=()) as [copy]:
        yield copy


def test_what_the_tests_notice_and_what_survives(project: Path, copy: Tree) -> None:
    planted = [
        Change(HERE, 3, LIMIT.index(was), LIMIT.index(was) + len(was), was, now)
        for was, now in (("10", "9"), ("10", "11"), ("number < 10", "None"))
    ]
    assert [outcome.noticed for outcome in trial([copy], planted)] == [True, False, True]
    assert (project / HERE).read_text() == (copy.path / HERE).read_text() == LIMIT
    assert not copy.run(["tests/hall"], seconds=0.001), "what takes too long has not passed"
    (copy.path / "tests/hall/test_limits.py").write_text(GOOD.replace("9", "10"))
    with pytest.raises(RedTests, match="1 failed"):
        next(trial([copy], planted))
