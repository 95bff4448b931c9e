import zlib
from unittest.mock import patch

from pulsestage.realtime import Filter
from pulsestage.realtime.encoding import Coding, Gzip
from pulsestage.realtime.filter import View
from pulsestage.realtime.payloads import Payloads
from pulsestage.realtime.window import Batch
from tests.realtime.support import event
from tests.realtime.test_window import EVERYTHING, make_window

NOTHING = View((), Filter())


def test_selected_once_per_view_and_compressed_once() -> None:
    payloads = Payloads(make_window([1, 2, 3]))
    with patch.object(Batch, "of", wraps=Batch.of) as select, patch.object(Gzip, "encode", return_value=b"z") as encode:
        plain, *_ = [payloads.get(EVERYTHING, Coding(), after=0, upto=3) for _ in range(3)]
        packed, *_ = [payloads.get(EVERYTHING, Coding("gzip"), after=0, upto=3) for _ in range(3)]
    assert (select.call_count, encode.call_count) == (1, 1)
    assert (plain.frames, packed.frames, packed.data) == (3, 3, b"z")


def test_encodings_say_the_same() -> None:
    payloads = Payloads(make_window([1, 2, 3]))
    packed = payloads.get(EVERYTHING, Coding("gzip"), after=1, upto=3).data
    assert zlib.decompressobj(wbits=-15).decompress(packed) == payloads.get(EVERYTHING, Coding(), after=1, upto=3).data


def test_readers_with_and_without_chunks_are_not_given_the_same_bytes() -> None:
    payloads = Payloads(make_window([1, 2, 3]))
    plain, chunked, again = (
        payloads.get(EVERYTHING, coding, after=0, upto=3).data for coding in (Coding(), Coding(chunked=True), Coding())
    )
    assert chunked == Coding(chunked=True).encode(plain)
    assert again == plain


def test_what_compression_saves_is_counted_and_what_chunks_add_is_not() -> None:
    payloads = Payloads(make_window([300, 300]))
    packed, plain, chunked = (
        payloads.get(EVERYTHING, coding, after=0, upto=2) for coding in (Coding("gzip"), Coding(), Coding(chunked=True))
    )
    assert packed.saved == len(plain.data) - len(packed.data) > 500
    assert (plain.saved, chunked.saved) == (0, 0)


def test_nothing_to_see_is_no_bytes() -> None:
    for coding in (Coding(), Coding("gzip"), Coding(chunked=True)):
        payload = Payloads(make_window([1])).get(NOTHING, coding, after=0, upto=1)
        assert (payload.data, payload.frames, payload.conflated) == (b"", 0, 0)


def test_only_a_few_are_remembered() -> None:
    payloads = Payloads(make_window([1] * 50), remembered=3)
    first = payloads.get(EVERYTHING, Coding("gzip"), after=0, upto=50)
    for after in range(1, 50):
        payloads.get(EVERYTHING, Coding("gzip"), after=after, upto=50)
        assert len(payloads._encoded) <= 3
        assert len(payloads._batches) <= 3
    again = payloads.get(EVERYTHING, Coding("gzip"), after=0, upto=50)
    assert again == first
    assert again.data is not first.data


def test_views_that_see_the_same_share_the_bytes() -> None:
    payloads = Payloads(make_window([1, 2]))
    other = View(("moderators", "public"), Filter())
    with patch.object(Gzip, "encode", return_value=b"z") as encode:
        payloads.get(EVERYTHING, Coding("gzip"), after=0, upto=2)
        payloads.get(other, Coding("gzip"), after=0, upto=2)
    assert encode.call_count == 1


def test_conflated_frames_are_counted() -> None:
    window = make_window([])
    for seq in (1, 2, 3):
        window.append(event(seq, key="k"))
    payload = Payloads(window).get(EVERYTHING, Coding(), after=0, upto=3)
    assert (payload.frames, payload.conflated) == (1, 2)
