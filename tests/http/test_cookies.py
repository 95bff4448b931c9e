import pytest

from pulsestage.http.cookies import own_cookies

READ = {
    b"pulsestage_acme=a.b": {"pulsestage_acme": "a.b"},
    b"theme=dark; pulsestage_acme=a.b;lang=de": {"pulsestage_acme": "a.b"},
    b"pulsestage_acme=a.b; pulsestage_other=c": {"pulsestage_acme": "a.b", "pulsestage_other": "c"},
    b'$Version="1"; pulsestage_acme="a.b"; $Path="/"': {"pulsestage_acme": "a.b"},
    b"\tpulsestage_acme = a=b ": {"pulsestage_acme": "a=b"},
    b"pulsestage_acme": {"pulsestage_acme": ""},
    b"Pulsestage_acme=a; xpulsestage_acme=b; pulsestage=c": {},
    b";;;===; \xff=\xff; pulsestage_=x": {"pulsestage_": "x"},
    b"": {},
}


@pytest.mark.parametrize("header", READ)
def test_only_our_own_cookies_are_read(header: bytes) -> None:
    assert own_cookies([(b"host", b"a"), (b"cookie", header)]) == READ[header]


TWICE = b"pulsestage_acme=mine"


@pytest.mark.parametrize("other", [b"pulsestage_acme=theirs", b"pulsestage_acme=", TWICE])
def test_of_two_cookies_with_one_name_none_is_believed(other: bytes) -> None:
    third = (b"cookie", b"pulsestage_other=a")
    in_one = [(b"cookie", TWICE + b"; " + other), third]
    in_two = [(b"cookie", other), (b"cookie", TWICE), third]
    three_times = [*in_two, (b"cookie", TWICE)]
    for headers in (in_one, in_two, three_times):
        assert own_cookies(headers) == {"pulsestage_other": "a"}
