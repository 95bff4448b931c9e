import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsestage.realtime.encoding import ENCODINGS, Coding, EncodingName
from tests.http.streaming.chunks import Chunks

payloads = st.lists(st.binary(min_size=1, max_size=500) | st.sampled_from([b"x" * 100_000, b"\0" * 70_000]), max_size=6)


@given(payloads, st.randoms(use_true_random=False))
def test_blocks_fit_together_in_any_order(blocks: list[bytes], random: object) -> None:
    encoding = ENCODINGS["gzip"]
    encoded = {block: encoding.encode(block) for block in blocks}  # compressed once …
    for order in (blocks, blocks[::-1], blocks * 2):  # … and sent in whatever company
        reader = zlib.decompressobj(wbits=31)
        assert reader.decompress(encoding.head) == b""
        for block in order:
            assert reader.decompress(encoded[block]) == block  # readable at once, not when more comes
        assert not reader.eof


def test_the_header_is_gzip() -> None:
    stream = zlib.compressobj(wbits=-15)
    body = stream.compress(b"x") + stream.flush()
    trailer = zlib.crc32(b"x").to_bytes(4, "little") + (1).to_bytes(4, "little")
    assert gzip.decompress(ENCODINGS["gzip"].head + body + trailer) == b"x"


@given(st.binary())
def test_identity(payload: bytes) -> None:
    assert ENCODINGS["identity"].head + ENCODINGS["identity"].encode(payload) == payload


@pytest.mark.parametrize("name", ["gzip"])
def test_compressing_pays(name: str) -> None:
    payload = b'data: {"type":"question:upvoted","tenantId":"0191e1a0","data":{"upvotes":15}}\n\n' * 20
    assert len(ENCODINGS["gzip"].encode(payload)) < len(payload) / 8


@pytest.mark.parametrize("content", ["identity", "gzip"])
@given(first=st.binary(max_size=40), rest=st.lists(st.binary(max_size=40), max_size=4), cut=st.integers(1, 50))
def test_chunks_hold_the_same_and_end(content: EncodingName, first: bytes, rest: list[bytes], cut: int) -> None:
    chunked, plain = Coding(content, chunked=True), Coding(content)
    sent = chunked.begin(first) + b"".join(map(chunked.encode, rest))
    chunks, body = Chunks(), b""
    for start in range(0, len(sent), cut):
        body += chunks.feed(sent[start : start + cut])
    assert body == plain.begin(first) + b"".join(map(plain.encode, rest))
    assert not chunks.ended
    chunks.feed(chunked.end)
    assert chunks.ended
