"""The version before, as a program that runs beside this one.

`pulsestage-0.1.0-py3-none-any.whl` is the wheel of commit f7a14fe, without the web app. It is on a path of its own
instead of installed, and runs with this environment's dependencies. Its newest schema revision is 0003.
"""

import zipfile
from pathlib import Path

import pytest

WHEEL = Path(__file__).with_name("pulsestage-0.1.0-py3-none-any.whl")


@pytest.fixture(scope="session")
def version_before(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What PYTHONPATH must be for the version before."""
    directory = tmp_path_factory.mktemp("version-before")
    with zipfile.ZipFile(WHEEL) as wheel:
        wheel.extractall(directory)
    return str(directory)
