"""Requests of up to 64 KiB that are made to cost much: what grows faster than its length when something is repeated."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from pulsestage.http.routing import TABLE

if TYPE_CHECKING:
    from random import Random

LARGEST = 65_536

# What is repeated: separators, quotes, escapes, and what a parser of one of the fields looks for.
UNITS = (
    b"a", b"0", b"9", b" ", b"\t", b"\\", b'"', b"'", b",", b";", b"=", b"&", b"/", b".", b"-", b"_", b"~", b"%", b"+",
    b"(", b"[", b"{", b"<", b"*", b"\xff", b"a,", b"a;", b"a=", b"a=b;", b"a=b&", b"&a=%41", b"%41", b"%E0%A4%95",
    b"%00", b"../", b"./", b"a/", b"\\101", b'\\"', b';a="', b"=?utf-8?q?", b"gzip,", b"a;q=0.1,", b"*;q=,", b"0-1,",
    b"0-,", b"127.0.0.1,", b"::1,", b"https,", b'W/"a",', b"text/html,", b"pulsestage_a=a.b;", b"a.", b"a~", b"1.",
    b"-0000", b"question:created,",
)  # fmt: skip
FIELDS = (
    b"Accept", b"Accept-Encoding", b"Access-Control-Request-Headers", b"Authorization", b"Connection", b"Content-Type",
    b"Cookie", b"Expect", b"Forwarded", b"Host", b"If-Match", b"If-Modified-Since", b"If-None-Match", b"If-Range",
    b"Last-Event-ID", b"Origin", b"Range", b"Sec-Fetch-Site", b"TE", b"Upgrade", b"User-Agent", b"X-Forwarded-For",
    b"X-Forwarded-Proto", b"X-Request-ID", b"X-Tenant-ID",
)  # fmt: skip
AROUND = (
    (b"", b""), (b"", b"!"), (b'"', b'"'), (b'a="', b'"'), (b"a=", b""), (b"bytes=", b"0-1"), (b"gzip;q=0.", b""),
    (b"application/json;", b""), (b"pulsestage_default=", b""),
)  # fmt: skip

# Letters whose case, composition or order costs more than others, and scripts without spaces between words.
LETTERS = (
    "aA0 éßİŁǅﬃ\ufdfa\u0300\u0315\u0f73\u0345\u1100\u1161\u11a8"
    "각กำเખิकक्षি漢かガ🎉👩🏽\u200d\u200b\u2066\u3164\ufe0f\U000e0041.,-'\n"
)
PAGES = ("/", "/app", "/app/", "/app/assets/", "/docs", "/docs/assets/", "/docs/assets/swagger-ui.css", "/openapi.json",
         "/asyncapi.json")  # fmt: skip
PARAMETERS = {
    "/questions": ("search", "cursor", "limit", "sort", "status", "teamId", "tagId", "tenantId"),
    "/questions/search": ("q",),
    "/sse": ("events", "team", "lastEventId", "snapshot", "ticket"),
}
MEMBERS = ("body", "teamId", "response", "tagId", "name", "color", "description", "slug", "isActive", "token")
WITH_BODIES = [route for route in TABLE if route.method in {"POST", "PATCH"}]


@dataclass(frozen=True)
class House:
    """What there is in the room: ids for addresses, words for searches, and the cookie of somebody who may do all."""

    ids: dict[str, str]
    words: list[str]
    cookie: bytes


class Attacker:
    """Makes requests by chance."""

    def __init__(self, random: Random, house: House) -> None:
        self._random = random
        self._house = house

    def request(self) -> bytes:
        """One of any kind."""
        kinds = (self._with_a_field, self._with_a_field, self._with_a_target, self._with_a_query, self._with_a_search,
                 self._with_a_body, self._with_a_body, self._with_many_parts)  # fmt: skip
        return self._random.choice(kinds)()

    def _with_a_field(self) -> bytes:
        pick = self._random.choice
        name, size = pick(FIELDS), pick((4_000, 8_000, 8_000, 60_000))
        before, after = pick(AROUND)
        value = before + self._repeated(size) + after
        if name == b"Connection":
            value += b",close"
        route = pick(TABLE)
        if name in {b"Range", b"If-Range", b"If-None-Match", b"If-Modified-Since"}:
            return message("GET", pick(PAGES).encode(), [(name, value), (b"Range", b"bytes=0-9")])
        path = route.path.format(**self._house.ids).encode()
        return message(route.method, path, [(name, value), *self._cookies(name)], b"{}")

    def _with_a_target(self) -> bytes:
        pick = self._random.choice
        paths = [*PAGES, *(route.path.partition("{")[0] for route in TABLE)]
        method, accept = pick(("GET", "POST", "OPTIONS")), pick((b"*/*", b"text/html"))
        hostile = self._repeated(pick((8_000, 20_000, 60_000))).translate(None, b' \t"<>\\^`{|}\xff')
        return message(method, pick(paths).encode() + hostile, [(b"Accept", accept), *self._cookies()])

    def _with_a_query(self) -> bytes:
        pick = self._random.choice
        path, names = pick(list(PARAMETERS.items()))
        value = self._repeated(pick((1_000, 8_000, 20_000))).translate(None, b' \t"<>\\^`{|}\xff')
        target = f"{path}?limit=1&{pick(names)}=".encode() + value
        return message("GET", target[:20_000], self._cookies())

    def _with_a_search(self) -> bytes:
        path, name, longest = self._random.choice((("/questions", "search", 1000), ("/questions/search", "q", 2000)))
        text = quote(self._text(longest), safe="")
        return message("GET", f"{path}?{name}={text}".encode()[:20_000], self._cookies())

    def _with_a_body(self) -> bytes:
        pick = self._random.choice
        route = pick(WITH_BODIES)
        head = [(b"Content-Type", b"application/json"), *self._cookies()]
        return message(route.method, route.path.format(**self._house.ids).encode(), head, self._json(pick(MEMBERS)))

    def _with_many_parts(self) -> bytes:
        pick, random = self._random.choice, self._random
        chunked = [(b"Content-Type", b"application/json"), (b"Transfer-Encoding", b"chunked"), *self._cookies()]
        unit = pick(
            (
                b"1\r\n \r\n",
                b"1;a=b\r\n{\r\n",
                b"001\r\n[\r\n",
                b"2\r\n{}\r\n0\r\na:\r\n",
                b"2;%b\r\n{}\r\n" % (b"a" * 99),
            )
        )
        many = [(pick(FIELDS), pick(UNITS).strip()) for _ in range(random.randrange(50, 5_000))]
        return pick((
            message("POST", b"/questions", chunked) + unit * (60_000 // len(unit)) + b"0\r\n\r\n",
            message("GET", b"/session", [field for field in many if field[0] not in {b"Connection", b"Expect"}]),
            message("GET", b"/health", [(b"Connection", b"upgrade, close"), (b"Upgrade", b"h2c"), *many[:90]]),
            message("GET", b"/sse?snapshot=1&team=a", self._cookies()),
        ))  # fmt: skip

    def _cookies(self, without: bytes = b"") -> list[tuple[bytes, bytes]]:
        return [] if without == b"Cookie" else [(b"Cookie", self._house.cookie)]

    def _repeated(self, size: int) -> bytes:
        unit = b"".join(self._random.choices(UNITS, k=self._random.choice((1, 1, 2, 3))))
        return unit * (size // len(unit))

    def _text(self, longest: int) -> str:
        pick = self._random.choice
        words = self._random.choices(self._house.words, k=longest // 2)
        shortest = pick((1, 2, 3, 99))
        letters = "".join(self._random.choices(LETTERS, k=pick((1, 2, 3, 30))))
        return pick((" ".join(word[:shortest] for word in words), letters * longest, pick(LETTERS) * longest))[:longest]

    def _json(self, member: str) -> bytes:
        pick = self._random.choice
        size = pick((2_000, 20_000, 60_000))
        text = self._text(size // 3) if pick((True, False)) else pick(LETTERS) * (size // 3)
        ascii_only = pick((True, False))
        value = pick((
            json.dumps(text, ensure_ascii=ascii_only),
            "9" * size, "0." + "9" * size, "1e" + "9" * size, "-" * size, "[" + "1," * (size // 2) + "1]",
            "[" + ",".join(["9" * 4300] * (size // 4301)) + "]", "[" * size, '{"a":' * (size // 5),
            "[" * 900 + "]" * 900, "[" + "{}," * (size // 3) + "{}]", '"' + "\\u0915" * (size // 6) + '"',
            '"' + "\\" * size + '"', " " * size + "1", "\n" * size, '"' + "a" * size,
        ))  # fmt: skip
        keys = ",".join(f'"{number:x}":1' for number in range(pick((0, 0, size // 10))))
        body = f'{{{keys}{"," if keys else ""}"{member}":{value}}}'
        return body.encode(pick(("utf-8", "utf-8", "utf-8", "utf-16")))[: LARGEST - 1_000]


def message(method: str, target: bytes, fields: list[tuple[bytes, bytes]], body: bytes = b"") -> bytes:
    """A request, after which the connection ends."""
    named = {name for name, _ in fields}
    usual = [(b"Host", b"a"), (b"Connection", b"close"), (b"Content-Length", b"%d" % len(body))]
    all_fields = [
        *fields,
        *(field for field in usual if field[0] not in named and (body or field[0] != b"Content-Length")),
    ]
    lines = [b"%b %b HTTP/1.1" % (method.encode(), target), *(b"%b: %b" % field for field in all_fields), b"", b""]
    return b"\r\n".join(lines) + body
