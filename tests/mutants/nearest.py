"""Which sources are changed, and which test modules are near them."""

import re
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path("src/pulsestage")
ALSO_NEAR = {"services": ["http"]}
"""Use cases are tested where people use them, too."""


def sources(root: Path, package: str) -> list[Path]:
    """The modules of a package that have something to change, below the root."""
    found = sorted((root / SOURCE / package).rglob("*.py"))
    return [path.relative_to(root) for path in found if "migrations" not in path.parts]


def nearest(root: Path, source: Path) -> list[str]:
    """The test modules that bear the source's name or import it, or else all of its package."""
    package, *_ = source.relative_to(SOURCE).parts
    found = {
        str(path.relative_to(root))
        for directory in (package, *ALSO_NEAR.get(package, ()))
        for path in (root / "tests" / directory).rglob("test_*.py")
        if source.stem in path.stem.split("_", 1)[1] or _imports(path.read_text(), source)
    }
    return sorted(found) or [f"tests/{package}"]


def _imports(text: str, source: Path) -> bool:
    *parents, name = source.relative_to("src").with_suffix("").parts
    return any(re.search(pattern, text) for pattern in _forms(".".join(parents), name))


def _forms(parent: str, name: str) -> Iterator[str]:
    parent, name = re.escape(parent), re.escape(name)
    yield rf"\b{parent}\.{name}\b"
    yield rf"from {parent} import [^\n]*\b{name}\b"
