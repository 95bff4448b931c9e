"""hatchling's build hook: nothing is shipped without the web app in it."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class WebAppHook(BuildHookInterface[Any]):
    """Stops a build for which the web app has not been built. An editable install may go without."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's signature
        if version != "editable" and not Path(self.root, "src/pulsestage/web_dist/index.html").exists():
            message = "The web app is not built, so it would be missing here. `make build` builds both."
            raise RuntimeError(message)
