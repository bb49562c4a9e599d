"""The server's numbers in Prometheus' text format, by `prometheus_client`."""

from collections.abc import Iterator
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from strongroom.core.core import Core
from strongroom.core.metrics import BUCKETS, Series

CONTENT_TYPE = CONTENT_TYPE_LATEST
_LABELS = ("mount_type", "operation", "outcome", "namespace")


class _Numbers(Collector):
    def __init__(self, house: Core) -> None:
        self._house = house

    def collect(self) -> Iterator[Metric]:
        house = self._house
        yield GaugeMetricFamily(
            "strongroom_unsealed", "1 while the barrier is open.", 0 if house.sealed else 1
        )
        yield GaugeMetricFamily("strongroom_mounts", "Mounts in the table.", len(house.mounts))
        yield GaugeMetricFamily(
            "strongroom_clock_skew_seconds",
            "How far the system's clock is ahead of the time that the server goes by.",
            house.timekeeper.skew,
        )
        status = house.barrier.key_status
        yield GaugeMetricFamily("strongroom_barrier_key_term", "Term of the encryption key.", status.term)
        yield CounterMetricFamily(
            "strongroom_barrier_encryptions", "Entries encrypted under it.", status.encryptions
        )
        yield from _devices(house)
        yield from _seals(house)
        yield from _backups(house)
        yield self._requests()

    def _requests(self) -> HistogramMetricFamily:
        family = HistogramMetricFamily(
            "strongroom_request_seconds", "Requests by kind of mount, outcome, namespace.", labels=_LABELS
        )
        for key, series in self._house.metrics.requests.items():
            family.add_metric(key, _cumulative(series), series.seconds)
        return family


def _devices(house: Core) -> Iterator[Metric]:
    lag = GaugeMetricFamily(
        "strongroom_audit_device_lag", "Entries that a device has yet to get.", labels=("device",)
    )
    failures = GaugeMetricFamily(
        "strongroom_audit_device_failures", "Deliveries that failed in a row.", labels=("device",)
    )
    desk = house.services.get("audit")
    for name, status in sorted(desk.sinks.status().items()) if desk is not None else ():
        lag.add_metric((name,), status.lag)
        failures.add_metric((name,), status.failures)
    yield lag
    yield failures


def _seals(house: Core) -> Iterator[Metric]:
    healthy = GaugeMetricFamily(
        "strongroom_seal_healthy", "1 while this seal would open the store.", labels=("seal",)
    )
    desk = house.services.get("ceremonies")
    for name, health in sorted(desk.tending.health.items()) if desk is not None else ():
        healthy.add_metric((name,), float(health.healthy))
    yield healthy


def _backups(house: Core) -> Iterator[Metric]:
    """Nothing is said of a server that makes none by itself."""
    last = GaugeMetricFamily(
        "strongroom_backup_last_success_timestamp_seconds", "When the last backup was made.", labels=()
    )
    size = GaugeMetricFamily("strongroom_backup_size_bytes", "Size of the last backup.", labels=())
    failures = GaugeMetricFamily("strongroom_backup_failures", "Backups that failed in a row.", labels=())
    overdue = GaugeMetricFamily(
        "strongroom_backup_overdue", "1 when the last backup is older than two periods.", labels=()
    )
    desk = house.services.get("backups")
    if desk is not None and desk.plan is not None and desk.record is not None:
        failures.add_metric((), desk.record.failures)
        overdue.add_metric((), float(desk.overdue))
        if desk.record.last is not None:
            last.add_metric((), desk.record.last.created)
            size.add_metric((), desk.record.last.size_bytes)
    yield from (last, size, failures, overdue)


def _cumulative(series: Series) -> list[tuple[str, float]]:
    total = 0
    found: list[tuple[str, float]] = []
    for bound, count in zip((*map(str, BUCKETS), "+Inf"), series.buckets, strict=True):
        total += count
        found.append((bound, float(total)))
    return found


def text(house: Core) -> bytes:
    """Everything, as Prometheus scrapes it."""
    registry = CollectorRegistry()
    registry.register(_Numbers(house))
    ProcessCollector(registry=registry)
    return generate_latest(registry)


def numbers(house: Core) -> dict[str, Any]:
    """The request counters as JSON."""
    series = [
        {**dict(zip(_LABELS, key, strict=True)), "count": found.count, "seconds": found.seconds}
        for key, found in house.metrics.requests.items()
    ]
    return {"requests": series, "mounts": len(house.mounts)}
