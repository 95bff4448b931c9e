"""The page of metrics that a server shows has what the documents, the alerts and the dashboard name."""

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from pulsestage.settings import Settings
from tests.docs.documents import DOCUMENTS, ROOT, code_in, prose, read, rows
from tests.http.conftest import make_settings, new_room, serving

TEXT = read("docs/metrics.md")
DOCUMENTED = {code_in(row[0])[0]: row for row in rows(TEXT)}
SELECTOR = re.compile(r"\b((?:pulsestage|process)_[a-z_]+)(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)(=~|=)"([^"]*)"')
FROM_THE_SCRAPE = {"job"}
"""Labels that Prometheus adds."""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Metric], list[Metric]]:
    """What a server shows that nobody has asked anything yet, and after the first question."""
    return asyncio.run(ask_a_server(make_settings(tmp_path_factory.mktemp("data"))))


async def ask_a_server(settings: Settings) -> tuple[list[Metric], list[Metric]]:
    async with serving(settings) as app:
        guest = (await new_room(app)).guest()
        before = (await guest.get("/metrics")).text
        await guest.get("/questions")
        after = (await guest.get("/metrics")).text
    return list(text_string_to_metric_families(before)), list(text_string_to_metric_families(after))


@pytest.fixture
def page(pages: tuple[list[Metric], list[Metric]]) -> list[Metric]:
    """The first of them."""
    return pages[0]


def name_of(metric: Metric) -> str:
    return f"{metric.name}_total" if metric.type == "counter" else metric.name


def test_every_metric_is_documented_with_its_kind_and_no_other(page: list[Metric]) -> None:
    documented = {name: row[1] for name, row in DOCUMENTED.items()}
    assert documented == {name_of(metric): metric.type for metric in page}


def test_labels_are_documented(pages: tuple[list[Metric], list[Metric]]) -> None:
    for metric in pages[1]:
        labels = {label for sample in metric.samples for label in sample.labels} - {"le"}
        assert set(code_in(DOCUMENTED[name_of(metric)][2])) == labels, metric.name


@pytest.mark.parametrize("name", ["pulsestage_stream_resets_total", "pulsestage_stream_closes_total"])
def test_every_reason_is_documented_and_shown_before_it_occurs(name: str, page: list[Metric]) -> None:
    samples = [sample for metric in page for sample in metric.samples if sample.name == name]
    assert {sample.labels["reason"] for sample in samples} == set(code_in(DOCUMENTED[name][3]))
    assert {sample.value for sample in samples} == {0}


def test_every_counter_is_shown_before_it_counts(page: list[Metric]) -> None:
    shown = {sample.name for metric in page for sample in metric.samples}
    assert {name for name, row in DOCUMENTED.items() if row[1] == "counter"} <= shown


@pytest.mark.parametrize("path", ["prometheus/rules.yml", "grafana/dashboard.json"])
def test_what_alerts_and_the_dashboard_ask_for_is_there_from_the_start(path: str, page: list[Metric]) -> None:
    text = (ROOT / "deploy" / path).read_text()
    expressions = list(queries(json.loads(text) if path.endswith("json") else yaml.safe_load(text)))
    assert expressions
    for each in expressions:
        assert each.count("(") == each.count(")"), each
        assert_shown(each, page)


def test_what_the_documents_name_is_there_from_the_start(page: list[Metric]) -> None:
    for document in DOCUMENTS:
        for code in code_in(prose(document.read_text(encoding="utf-8"))):
            if re.fullmatch(r"(?:pulsestage|process)_[a-z_]+_[a-z]+(?:\{.*\})?", code):
                assert_shown(code, page)


def test_a_counter_is_never_shown_as_it_is() -> None:
    kinds = {name: row[1] for name, row in DOCUMENTED.items()}
    for path in ("prometheus/rules.yml", "grafana/dashboard.json"):
        for each in queries(yaml.safe_load((ROOT / "deploy" / path).read_text())):
            for metric, _ in SELECTOR.findall(each):
                if kinds.get(metric) == "counter":
                    assert re.search(rf"(rate|increase)\({metric}\b", each), each


def assert_shown(expression: str, page: list[Metric]) -> None:
    """Each selector of the expression has a series. Histograms by route begin with the first request of each."""
    for name, matchers in SELECTOR.findall(expression):
        [metric] = [each for each in page if name in {name_of(each), f"{each.name}_bucket"}]
        wanted = [each for each in MATCHER.findall(matchers) if each[0] not in FROM_THE_SCRAPE]
        assert not wanted or any(matches(sample.labels, wanted) for sample in metric.samples), expression


def matches(labels: dict[str, str], wanted: list[tuple[str, str, str]]) -> bool:
    patterns = {label: value if kind == "=~" else re.escape(value) for label, kind, value in wanted}
    return all(re.fullmatch(pattern, labels.get(label, "")) for label, pattern in patterns.items())


def queries(value: Any) -> Iterator[str]:
    """Everything below a key `expr`."""
    if isinstance(value, dict):
        for key, each in value.items():
            if key == "expr":
                yield each
            else:
                yield from queries(each)
    elif isinstance(value, list):
        for each in value:
            yield from queries(each)
