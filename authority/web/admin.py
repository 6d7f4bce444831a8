"""The listener for operators' machines: health and metrics, on loopback unless the operator says otherwise.

Says nothing about anybody's accounts; whoever can reach it learns how busy and how well the authority is.  What was
sent to it is repeated nowhere.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate
from typing import Final

import msgspec
import structlog
from aiohttp import web
from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily, Metric

from authority.kernel.clock import Clock
from authority.web.protocol import Bounds, Server

log = structlog.get_logger()

NOTHING: Final[Mapping[str, str]] = {}
BUCKETS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds."""
BOUNDS: Final = (*map(str, BUCKETS), "+Inf")
LABELS: Final = ("service", "operation", "status")


class _Seconds(msgspec.Struct):
    """How long the answers of one operation took: how many of them each bucket has, and all together."""

    since: float
    buckets: list[int]
    sum: float = 0.0


class _Answers(msgspec.Struct):
    """How often an operation was answered with one status."""

    since: float
    seconds: _Seconds
    count: int = 0


class Metrics:
    """What Prometheus collects.

    Answers are counted here, and by nothing of the client library: what it asks of each is more than to count it.
    """

    def __init__(self, clock: Clock) -> None:
        """Begin at nothing; *clock* says since when there is what."""
        self.registry = CollectorRegistry()
        self._clock = clock
        self._answers: dict[tuple[str, str, int], _Answers] = {}
        self._seconds: dict[tuple[str, str], _Seconds] = {}
        self.registry.register(self)

    def observe(self, service: str, operation: str, status: int, seconds: float) -> None:
        """Count one answer; *operation* must be one of a bounded number of names."""
        answers = self._answers.get((service, operation, status)) or self._first(service, operation, status)
        answers.count += 1
        answers.seconds.sum += seconds
        answers.seconds.buckets[bisect_left(BUCKETS, seconds)] += 1

    def _first(self, service: str, operation: str, status: int) -> _Answers:
        now = self._clock.now().timestamp()
        seconds = self._seconds.setdefault((service, operation), _Seconds(now, [0] * (len(BUCKETS) + 1)))
        return self._answers.setdefault((service, operation, status), _Answers(now, seconds))

    def collect(self) -> Iterator[Metric]:
        """The answers, as the client library would have counted them."""
        requests = CounterMetricFamily("authority_requests", "Requests answered.", labels=LABELS)
        for (service, operation, status), answers in self._answers.items():
            requests.add_metric((service, operation, str(status)), answers.count, answers.since)
        yield requests
        took = HistogramMetricFamily(
            "authority_request_seconds", "Time from the whole request to its answer.", labels=LABELS[:2]
        )
        for place, seconds in self._seconds.items():
            took.add_metric(place, list(zip(BOUNDS, accumulate(seconds.buckets), strict=True)), seconds.sum)
            took.add_sample(f"{took.name}_created", dict(zip(LABELS[:2], place, strict=True)), seconds.since)
        yield took

    def gauge(self, name: str, what: str, read: Callable[[], float]) -> None:
        """Show what *read* says whenever somebody collects."""
        Gauge(name, what, registry=self.registry).set_function(read)


class Health(msgspec.Struct):
    """Whether requests should be sent here; *why* says what is in the way."""

    ready: bool = False
    why: str = "starting"


class Admin:
    """Answers `/health/live`, `/health/ready` and `/metrics`, and nothing else."""

    def __init__(self, metrics: Metrics, health: Health, bounds: Bounds) -> None:
        """Say what *metrics* and *health* say, within *bounds*."""
        self._metrics = metrics
        self._health = health
        self._bounds = bounds
        self._pages: Mapping[str, Callable[[], web.Response]] = {
            "/health/live": lambda: _said(200, {"status": "live"}),
            "/health/ready": self._ready,
            "/metrics": self._collected,
        }

    def server(self) -> Server:
        """The protocol factory."""
        return Server(
            self.serve,
            header_timeout=self._bounds.head,
            connection_limit=self._bounds.connections,
            unreadable=lambda *_: _said(400, {"why": "this is no HTTP request that can be read in one way only"}),
            failed=_failed,
            access_log=None,
            keepalive_timeout=self._bounds.keepalive,
        )

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request; what it carries is not read."""
        page = self._pages.get(request.raw_path.partition("?")[0])
        if page is None:
            return _said(404, {"why": "there is nothing at this path"})
        if request.method not in ("GET", "HEAD"):
            return _said(405, {"why": "only GET and HEAD are allowed here"}, {"Allow": "GET, HEAD"})
        return page()

    def _ready(self) -> web.Response:
        if self._health.ready:
            return _said(200, {"status": "ready"})
        return _said(503, {"status": "not ready", "why": self._health.why})

    def _collected(self) -> web.Response:
        headers = {"Content-Type": CONTENT_TYPE_LATEST, "Server": "Authority"}
        return web.Response(body=generate_latest(self._metrics.registry), headers=headers)


def _failed(_request: web.BaseRequest, exc: BaseException | None) -> web.Response:
    log.error("admin_request_failed", exc_info=exc)
    return _said(500, {"why": "the request failed for a reason of our own; it is in our log"})


def _said(status: int, words: Mapping[str, str], headers: Mapping[str, str] = NOTHING) -> web.Response:
    said = {**headers, "Server": "Authority", "Content-Type": "application/json"}
    return web.Response(status=status, headers=said, body=msgspec.json.encode(words))
