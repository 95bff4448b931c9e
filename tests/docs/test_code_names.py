"""`path/to/file.py::Name` in a document is there in the code, and `tests/room::test_name` in one of its modules."""

import ast
import inspect
import re
from pathlib import Path

import pytest

from pulsestage import bootstrap
from tests.docs.documents import DOCUMENTS, ROOT, code_in, prose

PATH = re.compile(r"(?:[\w.]+/)*[\w.]+\.(?:py|ts|toml|mako)")
REFERENCE = re.compile(rf"({PATH.pattern}|tests/\w+)::([\w.]+)")
EXAMPLES = {"market.py", "streaming_worker.py", "ticker.py"}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_names_exist(document: Path) -> None:
    for code in code_in(prose(document.read_text(encoding="utf-8"))):
        if PATH.fullmatch(code) and code not in EXAMPLES:
            assert found(code).is_file(), code
        if reference := REFERENCE.fullmatch(code):
            path, name = reference.groups()
            assert name in names(found(path)), code


def test_lifetimes_are_in_the_order_of_the_code() -> None:
    section = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").partition("## Lifetimes")[2].partition("\n\n**")[0]
    steps = [line for line in section.splitlines() if re.match(r"\d\. |   ", line)]
    named = [name for code in code_in("\n".join(steps)) if "::" in code for name in [code.rpartition("::")[2]]]
    assert named == ["opened", "Hub", "rate_limits", "make_context"]
    code = inspect.getsource(bootstrap.running)
    places = [code.index(f"{name}(") for name in named]
    assert places == sorted(places)


def found(path: str) -> Path:
    """The file or folder, below the package or below the root."""
    for base in (ROOT / "src/pulsestage", ROOT):
        if (base / path).exists():
            return base / path
    raise AssertionError(f"no file {path}")


def names(path: Path) -> set[str]:
    """What a module, or any in a folder, defines: `function`, `Class`, `Class.method`, `CONSTANT`."""
    if path.is_dir():
        return set().union(*map(names, path.rglob("*.py")))
    defined: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                defined.add(node.name)
            case ast.ClassDef():
                defined.add(node.name)
                functions = (each for each in node.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef))
                defined.update(f"{node.name}.{each.name}" for each in functions)
            case ast.Assign():
                defined.update(target.id for target in node.targets if isinstance(target, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                defined.add(name)
    return defined
