"""What an operator may choose, and what is refused before it can do harm."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pulsestage.settings import Settings


def settings(**chosen: Any) -> Settings:
    return Settings(_env_file=None, **chosen)


def test_origins_are_named_one_by_one() -> None:
    given = "https://slides.example/, http://localhost:5173, "
    assert settings(cors_origins=given).cors_origins == ("https://slides.example", "http://localhost:5173")
    assert settings(cors_origins="").cors_origins == ()


@pytest.mark.parametrize("origin", ["*", "https://*.example", "slides.example", "null", "https://slides.example/page"])
def test_what_is_no_origin_is_refused(origin: str) -> None:
    """Above all `*`: with credentials, it would let every page on the internet act as whoever looks at it."""
    with pytest.raises(ValidationError, match="is no origin"):
        settings(cors_origins=f"https://slides.example,{origin}")


def test_a_certificate_and_its_key_belong_together(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="belong together"):
        settings(tls_certificate=tmp_path / "chain.pem")
    with pytest.raises(ValidationError, match="belong together"):
        settings(tls_key=tmp_path / "key.pem")
    both = settings(tls_certificate=tmp_path / "chain.pem", tls_key=tmp_path / "key.pem")
    assert both.base_url.startswith("https://")
    assert settings().base_url.startswith("http://")
