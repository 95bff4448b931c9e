"""The examples in the docstrings run."""

import doctest
import importlib
import pkgutil

import pytest

from pulsestage import realtime

MODULES = [
    realtime.__name__,
    *(module.name for module in pkgutil.iter_modules(realtime.__path__, "pulsestage.realtime.")),
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_there_are_examples() -> None:
    found = [doctest.testmod(importlib.import_module(name)).attempted for name in MODULES]
    assert sum(map(bool, found)) > len(MODULES) / 2
