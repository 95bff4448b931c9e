"""The version of a build: the next release, and the commit it is made of. Prints it when it is run.

A commit that is tagged `v0.1.0` is version 0.1.0. Every other one is before the next release: 0.1.0.dev20261128034512
is made of a commit of that time (UTC), so that installers take the newer build for newer, and +g1a2b3c4d names it.
Where there is no git, an archive that git has made knows its commit, a source package its version, and BUILD_VERSION
may say it, to a container's build for example. What nobody knows anything of is 0.1.0.dev0.
"""

import os
import re
import shutil
import subprocess
from datetime import UTC, datetime
from email import message_from_string
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def build_version(root: Path = ROOT) -> str:
    """The version of what is in this directory."""
    if given := os.environ.get("BUILD_VERSION"):
        return given
    [release] = re.findall(r'^NEXT_RELEASE = "(.+)"$', (root / "src/pulsestage/__init__.py").read_text(), re.MULTILINE)
    if (root / ".git").exists() and shutil.which("git"):
        return _of_checkout(root, release)
    if (root / "PKG-INFO").exists():
        return str(message_from_string((root / "PKG-INFO").read_text())["Version"])
    archived = root / ".git_archival.txt"
    return _of_commit(release, archived.read_text().strip() if archived.exists() else "")


def _of_checkout(root: Path, release: str) -> str:
    changed = ".dirty" if _git(root, "status", "--porcelain", "--untracked-files=no") else ""
    if not changed and f"v{release}" in _git(root, "tag", "--points-at", "HEAD").split():
        return release
    return _of_commit(release, _git(root, "log", "-1", "--format=%H %ct")) + changed


def _of_commit(release: str, commit: str) -> str:
    """The version for "<hash> <seconds since 1970>"."""
    found = re.fullmatch(r"([0-9a-f]{40}) (\d+)", commit)
    if found is None:
        return f"{release}.dev0"
    return f"{release}.dev{datetime.fromtimestamp(int(found[2]), UTC):%Y%m%d%H%M%S}+g{found[1][:8]}"


def _git(root: Path, *arguments: str) -> str:
    """What git says; nothing where there is no commit yet. Asked also where it distrusts the directory's owner."""
    command = ["git", "-c", "safe.directory=*", "-C", str(root), *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True).stdout.strip()  # noqa: S603 - our own words


if __name__ == "__main__":
    print(build_version())
