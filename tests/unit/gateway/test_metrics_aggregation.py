"""Many processes' metrics as one text."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from touchstone.gateway.metrics_aggregation import sum_metrics


def text(requests: int, live: int, seconds: float) -> str:
    registry = CollectorRegistry()
    Counter("requests", "Requests", ["said"], registry=registry).labels('a "b"\n').inc(requests)
    Gauge("live", "In flight", registry=registry).set(live)
    Histogram("took", "Took", buckets=(0.1,), registry=registry).observe(seconds)
    return generate_latest(registry).decode()


def test_samples_of_one_name_and_labels_are_added():
    found = sum_metrics([text(2, 1, 0.05), text(3, 4, 0.5), ""])
    assert 'requests_total{said="a \\"b\\"\\n"} 5.0' in found
    assert "live 5.0" in found
    assert 'took_bucket{le="0.1"} 1.0' in found
    assert "took_count 2.0" in found
    assert "created" not in found
    assert sum_metrics([found]) == found


def test_of_a_process_that_is_gone_only_counts_stay():
    found = sum_metrics([text(2, 1, 0.05)], gauges=False)
    assert "requests_total" in found
    assert "live" not in found
