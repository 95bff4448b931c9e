"""What `/metrics` shows: requests as the edge saw them, and the counters of everything else as they are when asked.

Names are `pulsestage_*` with the unit as suffix, and `process_*` as all programs have them; `docs/metrics.md` lists
them. Series whose labels are known beforehand are there from the start, at 0: Prometheus sees no increase in the first
value of a series, so an alert would miss the first failure.
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.utils import floatToGoString

from pulsestage.realtime import EXPIRED_POSITION, UNKNOWN_POSITION, Histogram
from pulsestage.realtime.subscription import CLIENT_GONE, GONE, SERVER_ERROR, STALLED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from prometheus_client.core import Metric

    from pulsestage.http.admission import StreamLimits
    from pulsestage.realtime import HubStats
    from pulsestage.services.census import Census
    from pulsestage.services.ports import PoolUsage

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
RESET_REASONS: Final = (UNKNOWN_POSITION, EXPIRED_POSITION)
CLOSE_REASONS: Final = (CLIENT_GONE, STALLED, SERVER_ERROR, "shutdown", GONE)
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
_PROCESS = ProcessCollector(registry=None)


class HttpMetrics:
    """Requests by method, route and status, and how long they took. `expected` are shown before the first request."""

    def __init__(self, expected: Iterable[tuple[str, str, int]] = ()) -> None:
        self._answers = dict.fromkeys(expected, 0)
        self._seconds: dict[tuple[str, str], Histogram] = {}

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Note one answer. `route` is the route's template, never the path, so that labels stay few."""
        if method not in _METHODS:
            method = "other"
        answer = (method, route, status)
        self._answers[answer] = self._answers.get(answer, 0) + 1
        if route in {"/sse", "/events"}:
            return
        histogram = self._seconds.get((method, route))
        if histogram is None:
            histogram = self._seconds[method, route] = Histogram(BUCKETS)
        histogram.observe(seconds)

    def collect(self) -> Iterator[Metric]:
        """Both as metric families."""
        answers = CounterMetricFamily(
            "pulsestage_http_requests", "Requests answered.", labels=["method", "route", "status"]
        )
        for (method, route, status), count in self._answers.items():
            answers.add_metric([method, route, str(status)], count)
        yield answers
        seconds = HistogramMetricFamily(
            "pulsestage_http_request_duration_seconds",
            "Time from a request's head to the end of its answer, streams left out.",
            labels=["method", "route"],
        )
        for labels, histogram in self._seconds.items():
            seconds.add_metric(labels, _buckets(histogram), histogram.total)
        yield seconds

    def render(self, stats: HubStats, census: Census, limits: StreamLimits, pool: PoolUsage) -> bytes:
        """The whole page, in the Prometheus text format."""
        return generate_latest(_Page([self.collect(), stream_metrics(stats), _shared(stats, census, limits, pool)]))


class _Page(CollectorRegistry):
    """A registry for one page."""

    def __init__(self, parts: Iterable[Iterable[Metric]]) -> None:
        super().__init__()
        self._parts = parts

    def collect(self) -> Iterator[Metric]:
        """Every metric, and the process's own, which only Linux tells."""
        for part in self._parts:
            yield from part
        yield from _PROCESS.collect()


def _shared(stats: HubStats, census: Census, limits: StreamLimits, pool: PoolUsage) -> Iterator[Metric]:
    """What there is beside this process's streams: its limits, the others, the database."""
    tenants = (count + census.streams(tenant) for tenant, count in stats.connections.items())
    gauges = {
        "pulsestage_stream_connections_limit": ("Streams this process may have.", limits.in_all),
        "pulsestage_stream_tenant_connections": (
            "Streams of the tenant with most of them here, those at other processes included.",
            max(tenants, default=0),
        ),
        "pulsestage_stream_tenant_connections_limit": (
            "Streams a tenant may have at all processes together.",
            limits.per_tenant,
        ),
        "pulsestage_instances": ("Processes that serve this database, this one included.", census.instances),
        "pulsestage_instances_disagreeing": (
            "Those of them with another version, secret or relay than this one.",
            census.disagreeing,
        ),
        "pulsestage_database_connections": ("Connections for transactions that are in use now.", pool.in_use),
        "pulsestage_database_connections_limit": ("Connections for transactions there may be.", pool.limit),
    }
    for name, (text, value) in gauges.items():
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
        buckets=_buckets(stats.latency),
        sum_value=stats.latency.total,
    )
    for name, text, reasons, by_reason in (
        ("pulsestage_stream_resets", "Streams told to forget what they have.", RESET_REASONS, stats.resets),
        ("pulsestage_stream_closes", "Streams that ended.", CLOSE_REASONS, stats.closes),
    ):
        family = CounterMetricFamily(name, text, labels=["reason"])
        for reason, count in {**dict.fromkeys(reasons, 0), **by_reason}.items():
            family.add_metric([reason], count)
        yield family


def _buckets(histogram: Histogram) -> list[tuple[str, float]]:
    """As Prometheus counts: each bucket with all that are smaller."""
    bounds = [*map(floatToGoString, histogram.bounds), "+Inf"]
    return list(zip(bounds, accumulate(histogram.counts), strict=True))
