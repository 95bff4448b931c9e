import inspect

import pytest

from pulsestage.realtime import errors


@pytest.mark.parametrize("name,error", inspect.getmembers(errors, inspect.isclass))
def test_the_tree_in_the_docstring_is_the_tree(name: str, error: type) -> None:
    assert issubclass(error, errors.RealtimeError)
    assert name in (errors.__doc__ or "")
