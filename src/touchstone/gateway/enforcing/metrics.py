"""What one worker counts. No label holds a person, a token or a word of a prompt."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0)


class Metrics:
    """Counters, gauges and a histogram, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "touchstone_gateway_requests",
            "Requests, by the status that was answered",
            ["api", "status"],
            registry=self.registry,
        )
        self.denied = Counter(
            "touchstone_gateway_denied",
            "Requests denied, by rule",
            ["rule"],
            registry=self.registry,
        )
        self.before_forward = Histogram(
            "touchstone_gateway_before_forward_seconds",
            "From a request's headers until it is forwarded",
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.live = Gauge("touchstone_gateway_live", "Exchanges in flight", registry=self.registry)
        self.epoch = Gauge(
            "touchstone_gateway_epoch", "The policy's epoch; 0: none", registry=self.registry
        )
        self.cut = Counter(
            "touchstone_gateway_cut", "Exchanges that were reset", ["why"], registry=self.registry
        )
        self.late_bytes = Counter(
            "touchstone_gateway_late_bytes",
            "Bytes handed to barred connections",
            registry=self.registry,
        )
        self.slow = Counter(
            "touchstone_gateway_slow", "Connections reset for slow headers", registry=self.registry
        )

        self._answered: dict[tuple[str, int], Counter] = {}

    def answered(self, api: str, status: int) -> None:
        """Count a request. Looking labels up anew each time would cost as much as the rest."""
        counter = self._answered.get((api, status))
        if counter is None:
            counter = self._answered[api, status] = self.requests.labels(api, status)
        counter.inc()

    def text(self) -> bytes:
        """In the form that Prometheus reads."""
        return generate_latest(self.registry)
