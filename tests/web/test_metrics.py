"""Answers are counted to the byte as the client library counts."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.exposition import generate_latest

from authority.web.admin import BUCKETS, Metrics


class Noon:
    def now(self):
        return datetime(2026, 3, 1, 12, tzinfo=UTC)


def counted(answers):
    """What the client library makes of *answers*."""
    registry = CollectorRegistry()
    labels = ("service", "operation", "status")
    requests = Counter("authority_requests", "Requests answered.", labels, registry=registry)
    what = "Time from the whole request to its answer."
    took = Histogram("authority_request_seconds", what, labels[:2], buckets=BUCKETS, registry=registry)
    for service, operation, status, seconds in answers:
        requests.labels(service, operation, str(status)).inc()
        took.labels(service, operation).observe(seconds)
    text = generate_latest(registry).decode()
    return re.sub(r"^(\w+_created\{.*\}) .*$", rf"\1 {Noon().now().timestamp():.7e}", text, flags=re.MULTILINE)


def without_zeros(text):
    return re.sub(r"^(\w+_created\{.*\}) (\S+)$", lambda m: f"{m[1]} {float(m[2])}", text, flags=re.MULTILINE)


SECONDS = st.sampled_from(BUCKETS) | st.floats(0, 100)
ANSWERS = st.tuples(
    st.sampled_from(["sts", "iam", ""]),
    st.sampled_from(["AssumeRole", 'a"\\b', ""]),
    st.sampled_from([200, 403, 500]),
    SECONDS,
)


@given(st.lists(ANSWERS, max_size=20))
def test_what_is_collected_is_what_the_client_library_would_say(answers):
    metrics = Metrics(Noon())
    for answer in answers:
        metrics.observe(*answer)
    assert without_zeros(generate_latest(metrics.registry).decode()) == without_zeros(counted(answers))
