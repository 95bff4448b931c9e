from pulsestage.realtime import Filter, StreamRequest


def test_requests_that_see_the_same_have_one_view() -> None:
    one = StreamRequest(tenant="t1", audiences=("public",), filter=Filter(topic="x"), last_event_id="e1.1")
    two = StreamRequest(tenant="t1", audiences=("public",), filter=Filter(topic="x"), encoding="gzip")
    assert one.view == two.view
    assert len({one.view, two.view}) == 1


def test_nothing_is_the_least_one_can_ask_for() -> None:
    request = StreamRequest(tenant="t1", audiences=())
    assert (request.last_event_id, request.snapshot, request.encoding, request.greeting) == (None, None, "identity", {})
