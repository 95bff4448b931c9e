"""What every implementation of the engine's Protocols must do, as pytest suites to subclass.

Whoever writes a sink, a store or a relay gives the suite a fixture and gets its tests; each suite's docstring shows it.
The suites need pytest, and anyio for its plugin that runs async tests: `pip install 'pulsestage[contracts]'`. Where
trio is installed too, a fixture `anyio_backend` that returns "asyncio" keeps them on the one loop that the engine
knows. Nothing in PulseStage imports this package.
"""

try:
    import pytest
except ImportError as error:
    raise ImportError("pulsestage.contracts are suites for pytest: pip install 'pulsestage[contracts]'") from error

# A failed assert in a shipped module says as much as one in a test module.
pytest.register_assert_rewrite(*(f"{__name__}.{suite}" for suite in ("relay", "sink", "store")))
