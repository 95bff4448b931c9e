from pulsestage.realtime import Event


def test_size_counts_the_data_of_all_variants() -> None:
    assert Event(1, "t", 0, {"public": b"12", "moderators": b"345"}).size == 5
    assert Event(1, "t", 0, {}).size == 0
