"""hatchling's build hook: nothing is shipped without the web app, and what is shipped knows its version."""

import re
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_PIN = re.compile(r"^[a-z0-9][^\\\n]*", re.MULTILINE)


class BuildHook(BuildHookInterface[Any]):
    """Stops a build for which the web app has not been built. An editable install may go without."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Look for the web app, and write the version down where the program reads it."""
        if version == "editable":
            Path(self.root, "src/pulsestage/version.txt").write_text(f"{self.metadata.version}\n")
            return
        if not Path(self.root, "src/pulsestage/web_dist/index.html").exists():
            message = "The web app is not built, so it would be missing here. `make build` builds both."
            raise RuntimeError(message)
        if self.target_name == "wheel":  # the source package has it in PKG-INFO
            self._written.parent.mkdir(parents=True, exist_ok=True)
            self._written.write_text(f"{self.metadata.version}\n")
            build_data["force_include"][str(self._written)] = "pulsestage/version.txt"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002 - hatchling's signature
        """Put the tested versions beside it, for `pip install --constraint`: the lock without its hashes."""
        self._written.unlink(missing_ok=True)
        lock = Path(self.root, "requirements/run.lock").read_text()
        pins = [pin.strip() for pin in _PIN.findall(lock)]
        Path(artifact_path).with_name("constraints.txt").write_text("\n".join(pins) + "\n")

    @property
    def _written(self) -> Path:
        return Path(self.directory, "version.txt")
