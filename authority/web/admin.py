"""The listener for operators' machines: health and metrics, on loopback unless the operator says otherwise.

Says nothing about anybody's accounts; whoever can reach it learns how busy and how well the authority is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec
from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

BUCKETS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds."""


class Metrics:
    """What Prometheus collects."""

    def __init__(self) -> None:
        """Begin at nothing."""
        self.registry = CollectorRegistry()
        labels = ("service", "operation", "status")
        self._known: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._requests = Counter("authority_requests", "Requests answered.", labels, registry=self.registry)
        self._seconds = Histogram(
            "authority_request_seconds",
            "Time from the whole request to its answer.",
            ("service", "operation"),
            buckets=BUCKETS,
            registry=self.registry,
        )

    def observe(self, service: str, operation: str, status: int, seconds: float) -> None:
        """Count one answer; *operation* must be one of a bounded number of names."""
        place = (service, operation, status)
        known = self._known.get(place)
        if known is None:
            counter = self._requests.labels(service, operation, str(status))
            known = self._known[place] = (counter, self._seconds.labels(service, operation))
        known[0].inc()
        known[1].observe(seconds)

    def gauge(self, name: str, what: str, read: Callable[[], float]) -> None:
        """Show what *read* says whenever somebody collects."""
        Gauge(name, what, registry=self.registry).set_function(read)


class Health(msgspec.Struct):
    """Whether requests should be sent here; *why* says what is in the way."""

    ready: bool = False
    why: str = "starting"


def admin_application(metrics: Metrics, health: Health) -> web.Application:
    """`/health/live`, `/health/ready` and `/metrics`."""

    async def live(_: web.Request) -> web.Response:
        return web.json_response({"status": "live"})

    async def ready(_: web.Request) -> web.Response:
        said = {"status": "ready"} if health.ready else {"status": "not ready", "why": health.why}
        return web.json_response(said, status=200 if health.ready else 503)

    async def collect(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    application = web.Application()
    application.router.add_get("/health/live", live)
    application.router.add_get("/health/ready", ready)
    application.router.add_get("/metrics", collect)
    return application
