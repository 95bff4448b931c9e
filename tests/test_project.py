"""The project's frame keeps its word: nothing private in the files, locks that fit, targets that are explained."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from pulsestage import NEXT_RELEASE
from scripts.version import build_version

ROOT = Path(__file__).parents[1]

# Where packages come from is the machine's setting, and whose machine it was is nobody's business.
PACKAGE_HOST = re.compile(r"\b(?:pypi|pythonhosted|npmjs|yarnpkg)\.(?:com|org)\b")
PACKAGE_SOURCE = re.compile(r"^--|://|\"resolved\": *\"http", re.MULTILINE)
PRIVATE_PATH = re.compile(r"(?<![\w.~>})\]-])/(?:root|work|home/\w+|Users/\w+)/")
PIN = re.compile(r"^([\w.-]+)==([^\s;]+)", re.MULTILINE)


def tracked_files() -> list[Path]:
    """What is in git; read even where git distrusts the directory's owner."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


@pytest.mark.parametrize("pattern", [PACKAGE_HOST, PRIVATE_PATH], ids=["package-host", "private-path"])
def test_no_file_names_a_place_that_is_not_everybodys(pattern: re.Pattern[str]) -> None:
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in tracked_files()
        for match in pattern.finditer(path.read_text(errors="ignore"))
    ]
    assert found == []


@pytest.mark.parametrize("lock", ["run", "dev", "node", "generators"])
def test_a_lock_names_no_place_to_get_packages_from(lock: str) -> None:
    assert not PACKAGE_SOURCE.search((ROOT / "requirements" / f"{lock}.lock").read_text())


@pytest.mark.parametrize("lock", ["run", "dev", "node", "generators"])
def test_a_lock_fits_what_pyproject_asks_for(lock: str) -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    asked = {
        "run": pyproject["project"]["dependencies"] + group(pyproject, "build"),
        "dev": pyproject["project"]["dependencies"] + group(pyproject, "dev"),
        "node": group(pyproject, "node"),
        "generators": group(pyproject, "generators"),
    }
    pinned = pins(lock)
    unmet = [
        text
        for text in asked[lock]
        if (requirement := Requirement(text)).specifier.contains(pinned.get(canonicalize_name(requirement.name), "0"))
        is False
    ]
    assert unmet == [], "run `make lock`"


def test_what_is_tested_is_what_is_run() -> None:
    assert pins("run").items() <= pins("dev").items()


def test_every_make_target_is_explained() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert targets is not None
    helped = subprocess.run(["make", "help"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert re.findall(r"^ +make (\w+) +\S", helped, re.MULTILINE) == targets.group(1).split()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(directory)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    [built] = directory.glob("*.whl")
    return built


def test_the_wheel_has_the_page_and_its_files_compressed(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert "pulsestage/web_dist/index.html" in names
    assets = {name for name in names if re.search(r"/web_dist/assets/.*\.(?:js|css)$", name)}
    assert len(assets) >= 3
    assert {f"{name}.{coding}" for name in assets for coding in ("br", "gz")} <= names


def test_the_wheel_knows_its_version(wheel: Path) -> None:
    version = zipfile.ZipFile(wheel).read("pulsestage/version.txt").decode().strip()
    assert version == build_version()
    assert wheel.name == f"pulsestage-{version}-py3-none-any.whl"


def test_pip_takes_the_constraints_beside_the_wheel(wheel: Path) -> None:
    constraints = wheel.with_name("constraints.txt")
    assert dict(PIN.findall(constraints.read_text())) == pins("run")
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--no-index", "-c", str(constraints), str(wheel)]
    subprocess.run(command, check=True, capture_output=True)


def test_a_build_is_named_after_its_commit(tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
        at = {"GIT_AUTHOR_DATE": "1700000000 +0100", "GIT_COMMITTER_DATE": "1700000000 +0100"}
        command = ["git", *identity, *arguments]
        subprocess.run(command, cwd=tmp_path / "tree", env={**os.environ, **at}, check=True, capture_output=True)

    tree = tmp_path / "tree"
    for name in ("src/pulsestage/__init__.py", ".git_archival.txt", ".gitattributes"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tree / name)
    assert build_version(tree) == f"{NEXT_RELEASE}.dev0"
    git("init")
    assert build_version(tree) == f"{NEXT_RELEASE}.dev0"
    git("add", ".")
    git("commit", "-m", "Begin")
    committed = build_version(tree)
    assert re.fullmatch(rf"{re.escape(NEXT_RELEASE)}\.dev20231114221320\+g[0-9a-f]{{8}}", committed)

    git("archive", "--output", str(tmp_path / "archive.zip"), "HEAD")
    shutil.unpack_archive(tmp_path / "archive.zip", tmp_path / "archive")
    assert build_version(tmp_path / "archive") == committed

    (tree / ".gitattributes").write_text("")
    assert build_version(tree) == f"{committed}.dirty"
    git("checkout", ".")
    git("tag", f"v{NEXT_RELEASE}")
    assert build_version(tree) == NEXT_RELEASE
    shutil.rmtree(tree / ".git")
    (tree / "PKG-INFO").write_text("Metadata-Version: 2.4\nName: pulsestage\nVersion: 7.1\n\nVersion: none\n")
    assert build_version(tree) == "7.1"


def pins(lock: str) -> dict[str, str]:
    return dict(PIN.findall((ROOT / "requirements" / f"{lock}.lock").read_text()))


def group(pyproject: dict[str, Any], name: str) -> list[str]:
    """A dependency group with the groups it includes."""
    entries = pyproject["dependency-groups"][name]
    return [
        text
        for entry in entries
        for text in (group(pyproject, entry["include-group"]) if isinstance(entry, dict) else [entry])
    ]
