"""`Accept-Encoding`, as clients send it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsestage.realtime import accepted_encodings, negotiate_encoding

OFFERED = ("br", "gzip", "identity")


@pytest.mark.parametrize(
    "header, codings",
    [
        ("", ["identity"]),
        ("gzip", ["gzip", "identity"]),
        ("gzip, deflate, br, zstd", ["br", "gzip", "identity"]),
        ("GZIP;Q=1.0", ["gzip", "identity"]),
        ("br;q=0, gzip", ["gzip", "identity"]),
        ("br ; q=0.000 , gzip ; q=0.5", ["gzip", "identity"]),
        ("br;q=0.2, gzip;q=0.8", ["gzip", "br", "identity"]),
        ("identity, gzip;q=0.5", ["identity", "gzip"]),
        ("gzip;q=0.001", ["gzip", "identity"]),
        ("*", ["br", "gzip", "identity"]),
        ("*;q=0.5, gzip", ["gzip", "br", "identity"]),
        ("br, *;q=0", ["br"]),
        ("identity;q=0", []),
        ("gzip, identity;q=0", ["gzip"]),
        ("gzip;q=, br;q=high, deflate", ["identity"]),
        ("gzip2, xbr", ["identity"]),
        (",, ;q=1", ["identity"]),
        ("deflate," * 10_000 + "gzip", ["identity"]),
    ],
)
def test_the_best_coding_that_a_client_takes(header: str, codings: list[str]) -> None:
    assert accepted_encodings(header, OFFERED) == codings


@given(st.text(alphabet="gzipbr*identity;q=0.15, \t"))
def test_no_header_is_an_error(header: str) -> None:
    assert set(accepted_encodings(header, OFFERED)) <= set(OFFERED)


@pytest.mark.parametrize("header", ["gzip", "br, GZIP;q=0.1", "*", "identity;q=0, gzip"])
def test_a_stream_is_compressed_for_clients_that_take_gzip(header: str) -> None:
    assert negotiate_encoding(header) == "gzip"


@pytest.mark.parametrize("header", ["", "br", "gzip;q=0", "gzip;q=0.", "identity, gzip;q=0.5", "identity;q=0"])
def test_a_stream_is_not_compressed_for_other_clients(header: str) -> None:
    assert negotiate_encoding(header) == "identity"
