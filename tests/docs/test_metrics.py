import re

from pulsestage.http.metrics import HttpMetrics
from pulsestage.realtime import EXPIRED_POSITION, UNKNOWN_POSITION, Hub, MemoryEventStore
from pulsestage.realtime.subscription import CLIENT_GONE, SERVER_ERROR, STALLED
from pulsestage.services.census import Census
from tests.docs.documents import code_in, read, rows

TEXT = read("docs/metrics.md")
DOCUMENTED = {code_in(row[0])[0]: row for row in rows(TEXT)}


def test_every_metric_is_documented_with_its_kind_and_no_other() -> None:
    page = HttpMetrics().render(Hub(MemoryEventStore()).stats(), Census(lambda: 0)).decode()
    published = dict(re.findall(r"^# TYPE (\w+) (\w+)$", page, re.MULTILINE))
    documented = {name: row[1] for name, row in DOCUMENTED.items()}
    assert documented == {name: kind for name, kind in published.items() if not name.endswith("_created")}


def test_labels_are_documented() -> None:
    metrics = HttpMetrics()
    metrics.observe("GET", "/questions", 200, 0.01)
    page = metrics.render(Hub(MemoryEventStore()).stats(), Census(lambda: 0)).decode()
    for name in ("pulsestage_http_requests_total", "pulsestage_http_request_duration_seconds"):
        [labels] = set(re.findall(rf"^{name}(?:_count)?{{([^}}]*)}}", page, re.MULTILINE))
        assert code_in(DOCUMENTED[name][2]) == re.findall(r"(\w+)=", labels)


def test_reasons_are_documented() -> None:
    assert set(code_in(DOCUMENTED["pulsestage_stream_resets_total"][3])) == {UNKNOWN_POSITION, EXPIRED_POSITION}
    closes = set(code_in(DOCUMENTED["pulsestage_stream_closes_total"][3]))
    assert closes == {CLIENT_GONE, STALLED, SERVER_ERROR, "shutdown"}


def test_metrics_named_in_the_text_exist() -> None:
    for code in code_in(TEXT):
        if code.startswith("pulsestage_"):
            assert code.partition("{")[0] in DOCUMENTED
