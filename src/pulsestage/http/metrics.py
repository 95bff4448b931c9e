"""What `/metrics` shows: requests as the edge saw them, and the engine's counters as they are when asked.

Names are `pulsestage_*` with the unit as suffix; `docs/metrics.md` lists them.
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.utils import floatToGoString

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.core import Metric

    from pulsestage.realtime import HubStats
    from pulsestage.services.census import Census

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class HttpMetrics:
    """Requests by method, route and status, and how long they took."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "pulsestage_http_requests_total",
            "Requests answered.",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "pulsestage_http_request_duration_seconds",
            "Time from a request's head to the end of its answer, streams left out.",
            ["method", "route"],
            buckets=BUCKETS,
            registry=self.registry,
        )
        # Looking up a child by its labels costs more than counting; routes and statuses are few.
        self._counters: dict[tuple[str, str, int], Counter] = {}
        self._histograms: dict[tuple[str, str], Histogram] = {}

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Note one answer. `route` is the route's template, never the path, so that labels stay few."""
        if method not in _METHODS:
            method = "other"
        counter = self._counters.get((method, route, status))
        if counter is None:
            counter = self._counters[method, route, status] = self._requests.labels(method, route, status)
        counter.inc()
        if route in {"/sse", "/events"}:
            return
        histogram = self._histograms.get((method, route))
        if histogram is None:
            histogram = self._histograms[method, route] = self._seconds.labels(method, route)
        histogram.observe(seconds)

    def render(self, stats: HubStats, census: Census) -> bytes:
        """The whole page, in the Prometheus text format."""
        return generate_latest(self.registry) + generate_latest(_Once(stats, census))


class _Once(CollectorRegistry):
    """A registry for one page: the numbers of the engine and the census at this moment."""

    def __init__(self, stats: HubStats, census: Census) -> None:
        super().__init__()
        self._stats = stats
        self._census = census

    def collect(self) -> Iterator[Metric]:
        """Every metric that is not counted by requests."""
        yield from stream_metrics(self._stats)
        for name, text, value in (
            ("pulsestage_instances", "Processes that serve this database, this one included.", self._census.instances),
            (
                "pulsestage_instances_disagreeing",
                "Those of them with another version, secret or relay than this one.",
                self._census.disagreeing,
            ),
        ):
            yield GaugeMetricFamily(name, text, value=value)


def stream_metrics(stats: HubStats) -> Iterator[Metric]:
    """The engine's numbers as metric families."""
    gauges = {
        "pulsestage_stream_connections": ("Streams open now.", sum(stats.connections.values())),
        "pulsestage_stream_tenants": ("Tenants that have streams now.", len(stats.connections)),
        "pulsestage_stream_heartbeat_lag_seconds": ("How late the latest heartbeats were.", stats.heartbeat_lag),
        "pulsestage_stream_slow_connections": ("Streams whose client takes nothing more now.", stats.slow),
        "pulsestage_stream_window_events": ("Events held in memory.", stats.window_events),
        "pulsestage_stream_window_bytes": ("Their size.", stats.window_bytes),
        "pulsestage_relay_healthy": ("1 if changes made elsewhere are heard at once, else 0.", stats.relay_healthy),
    }
    counters = {
        "pulsestage_stream_joins": ("Streams that began.", stats.joins),
        "pulsestage_stream_events": ("Events committed and passed to the engine.", stats.events_in),
        "pulsestage_stream_frames": ("Frames written to streams.", stats.frames_out),
        "pulsestage_stream_bytes": ("Bytes written to streams.", stats.bytes_out),
        "pulsestage_stream_writes": ("Writes to sockets.", stats.writes),
        "pulsestage_stream_conflated_frames": ("Frames not sent because a newer one replaced them.", stats.conflated),
        "pulsestage_stream_saved_bytes": ("Bytes not sent because they were compressed.", stats.saved),
        "pulsestage_stream_catch_ups": ("Times a stream read the log.", stats.catch_ups),
        "pulsestage_stream_gap_repairs": ("Times the engine read the log for missing events.", stats.gap_repairs),
        "pulsestage_stream_heartbeats": ("Heartbeats written.", stats.heartbeats),
        "pulsestage_stream_stalls": ("Streams closed because their client took nothing.", stats.stalls),
        "pulsestage_relay_announced": ("Commits of this process that the relay was told of.", stats.relay.announced),
        "pulsestage_relay_dropped": ("Those of them that it could not send.", stats.relay.dropped),
        "pulsestage_relay_received": ("Commits of other processes heard of.", stats.relay.received),
        "pulsestage_relay_malformed": ("Messages that were ignored: not ours, or damaged.", stats.relay.malformed),
        "pulsestage_relay_reconnects": ("Times the relay came back.", stats.relay.reconnects),
    }
    for name, (text, value) in gauges.items():
        yield GaugeMetricFamily(name, text, value=value)
    for name, (text, value) in counters.items():
        yield CounterMetricFamily(name, text, value=value)
    yield HistogramMetricFamily(
        "pulsestage_stream_latency_seconds",
        "Time from the oldest event of a flush reaching the engine to its being written, once per live stream.",
        buckets=_latency_buckets(stats),
        sum_value=stats.latency.total,
    )
    for name, text, by_reason in (
        ("pulsestage_stream_resets", "Streams told to forget what they have.", stats.resets),
        ("pulsestage_stream_closes", "Streams that ended.", stats.closes),
    ):
        family = CounterMetricFamily(name, text, labels=["reason"])
        for reason, count in by_reason.items():
            family.add_metric([reason], count)
        yield family


def _latency_buckets(stats: HubStats) -> list[tuple[str, float]]:
    """As Prometheus counts: each bucket with all that are smaller."""
    bounds = [*map(floatToGoString, stats.latency.bounds), "+Inf"]
    return list(zip(bounds, accumulate(stats.latency.counts), strict=True))
