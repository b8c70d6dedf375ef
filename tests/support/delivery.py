"""A model of directive delivery: real intake, grace, lease and standing under an unkind world.

Messages are lost, doubled, reordered and forged; gateways are paused, crash and restart with their
machines; clocks run unalike and are set. What must never happen is checked after every step.
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from support.gateway import PIN, Chain
from support.ledger_signer import Signer
from touchstone.gateway.feed import (
    BundleAcceptance,
    Contact,
    EffectivePolicy,
    Grace,
    RejectedBundle,
    WorkerState,
)
from touchstone.gateway.fleet import Lease, Renewal
from touchstone.terms import PolicyBundle, accept_bundle

GRACE_HOURS = 1
LEASE_SECONDS = 1.0
RATES = (0.95, 1.0, 1.05)
"""How fast a gateway's clock runs, against the log's."""
CHAIN = Chain()
BUNDLES = [CHAIN.next(grace_hours=GRACE_HOURS) for _ in range(6)]
READ: list[PolicyBundle] = [accept_bundle(data, PIN, None) for data in BUNDLES]
_FORGER = Chain(signer=Signer("stranger"))
FORGED = [_FORGER.next(grace_hours=GRACE_HOURS) for _ in range(6)]


@dataclass
class Log:
    """The rules of fleet/schema.sql, by the log's own clock."""

    newest: int = 0
    published: dict[int, float] = field(default_factory=dict)
    members: dict[str, tuple[int, float, int]] = field(default_factory=dict)
    """Name to instance, the time of the last lease, and what it said that it obeys."""
    asks_for_a_running_lease: ClassVar[bool] = True

    def join(self, name: str, instance: int, now: float) -> bool:
        before = self.members.get(name)
        if before and before[0] != instance and now <= before[1] + LEASE_SECONDS:
            return False
        same = before is not None and before[0] == instance
        since = before[1] if before and same else float("-inf")
        self.members[name] = (instance, since, before[2] if before else 0)
        return True

    def renew(self, name: str, instance: int, obeys: int, now: float) -> Renewal:
        member = self.members.get(name)
        granted = member is not None and member[0] == instance
        newest, digest = (
            (self.newest, READ[self.newest - 1].digest) if self.newest else (None, None)
        )
        if not granted or member is None:
            return Renewal(granted=False, newest=newest, digest=digest)
        older = [
            self.published[n] for n in range(obeys + 1, self.newest + 1) if n in self.published
        ]
        if obeys == 0 or older:
            running = now <= member[1] + LEASE_SECONDS or not self.asks_for_a_running_lease
            granted = obeys > 0 and running and now <= min(older) + LEASE_SECONDS
        self.members[name] = (instance, now if granted else member[1], obeys)
        return Renewal(granted=granted, newest=newest, digest=digest)

    def alive(self, name: str, now: float) -> bool:
        return name in self.members and now <= self.members[name][1] + LEASE_SECONDS

    def applied_everywhere(self, now: float) -> int:
        """The highest bundle below which nobody serves, as an observer is told."""
        obeyed = [m[2] for name, m in self.members.items() if self.alive(name, now)]
        return min([self.newest, *obeyed])


@dataclass
class Gateway:
    """A supervisor and its workers. What is on `disk_*` outlives a crash."""

    name: str
    rate: float
    disk_bundle: PolicyBundle | None = None
    disk_contact: Contact | None = None
    disk_receipts: list[int] = field(default_factory=list)
    instance: int = 0
    boot: int = 0
    wall_offset: float = 0.0
    booted_at: float = 0.0
    stopped: bool = False
    heard_at: float = float("-inf")
    """When its feed really spoke last: what the model knows and it does not."""
    workers: tuple[PolicyBundle, float | None] | None = None

    def start(self, now: float) -> None:
        self.instance += 1
        self.workers = None
        self.intake = BundleAcceptance(PIN, self._keep, self.disk_bundle)
        self.grace = Grace(overdue=20)
        self.grace.resume(self.steady(now), self.wall(now), f"boot-{self.boot}", self.disk_contact)
        self.lease = Lease(LEASE_SECONDS)
        self.served = WorkerState(
            EffectivePolicy(self.intake, self.grace, [lambda: self.lease.until])
        )

    def steady(self, now: float) -> float:
        return (now - self.booted_at) * self.rate

    def wall(self, now: float) -> float:
        return 1_795_000_000 + now + self.wall_offset

    def contact(self, now: float, *, kept: bool) -> None:
        self.heard_at = now
        self.grace.contact(self.steady(now))
        if kept:
            steady, wall = int(self.steady(now)), int(self.wall(now))
            self.disk_contact = Contact(wall, steady, f"boot-{self.boot}")

    def step(self, now: float) -> None:
        """What a supervisor does whenever something may have changed."""
        tell = self.served.due(self.steady(now))
        if tell is None:
            return
        if tell.anew:
            self.served.telling()
        self.workers = None if tell.bundle is None else (tell.bundle, tell.until)
        self.served.told(tell)
        number = tell.bundle.number if tell.bundle else 0
        if tell.anew and number > max(self.disk_receipts, default=0):
            self.disk_receipts.append(number)

    def acting(self, now: float) -> int | None:
        """The number of the bundle under which a request would be served; None: none would."""
        if self.stopped or self.workers is None:
            return None
        bundle, until = self.workers
        return bundle.number if until is None or self.steady(now) < until else None

    def _keep(self, _data: bytes, bundle: PolicyBundle) -> None:
        self.disk_bundle = bundle


NAMES = st.sampled_from(["one", "two"])


class Delivery(RuleBasedStateMachine):
    """Two gateways, a developer, a log, an observer, and time."""

    @initialize(rates=st.tuples(st.sampled_from(RATES), st.sampled_from(RATES)))
    def begin(self, rates: tuple[float, float]) -> None:
        self.now = 0.0
        self.log = Log()
        self.issued = 1
        self.promised = 0
        self.asked: list[dict[str, Any]] = []
        self.answers: list[dict[str, Any]] = []
        self.gateways = {
            name: Gateway(name, rate) for name, rate in zip(("one", "two"), rates, strict=True)
        }
        for gateway in self.gateways.values():
            gateway.start(self.now)
            self._all_well(gateway)

    def _all_well(self, gateway: Gateway) -> None:
        """Level with feed and log, and under a lease."""
        self.log.join(gateway.name, gateway.instance, self.now)
        self._level(gateway, kept=True)
        self._publish(gateway)
        self._ask(gateway)
        self.deliver_request(-1, again=False)
        self.deliver_answer(-1, again=False, lags=False)
        gateway.step(self.now)

    def _awake(self, name: str) -> Gateway | None:
        gateway = self.gateways[name]
        return None if gateway.stopped else gateway

    @rule()
    @precondition(lambda self: self.issued < len(BUNDLES))
    def issue(self) -> None:
        self.issued += 1

    @rule(seconds=st.sampled_from((0.1, 0.4, 0.8, 1.1, 3700.0)))
    def time_goes_on(self, seconds: float) -> None:
        self.now += seconds

    @rule(name=NAMES, number=st.integers(1, len(BUNDLES)), forged=st.booleans())
    def anything_reaches_the_intake(self, name: str, number: int, forged: bool) -> None:
        """Lost, doubled, out of order, replayed or forged."""
        gateway = self._awake(name)
        if gateway and number <= self.issued:
            gateway.intake.offer((FORGED if forged else BUNDLES)[number - 1])
            gateway.step(self.now)

    @rule(name=NAMES, kept=st.booleans())
    def feed_speaks(self, name: str, kept: bool) -> None:
        gateway = self._awake(name)
        if gateway:
            self._level(gateway, kept=kept)
            gateway.step(self.now)

    def _level(self, gateway: Gateway, *, kept: bool) -> None:
        self._take_all(gateway, self.issued)
        gateway.contact(self.now, kept=kept)

    def _take_all(self, gateway: Gateway, newest: int) -> None:
        while (number := gateway.intake.next_number or newest) <= newest:
            assert not isinstance(gateway.intake.offer(BUNDLES[number - 1]), RejectedBundle)

    @rule(name=NAMES)
    def feed_is_lost(self, name: str) -> None:
        gateway = self._awake(name)
        if gateway:
            gateway.grace.lose()
            gateway.step(self.now)

    @rule(name=NAMES)
    def supervisor_ticks(self, name: str) -> None:
        if gateway := self._awake(name):
            gateway.step(self.now)

    @rule(name=NAMES)
    def asks_for_a_lease(self, name: str) -> None:
        if gateway := self._awake(name):
            self._ask(gateway)

    def _ask(self, gateway: Gateway) -> None:
        self.asked.append(
            {
                "name": gateway.name,
                "instance": gateway.instance,
                "obeys": gateway.served.obeys,
                "asked_at": gateway.steady(self.now),
            }
        )

    @rule(name=NAMES)
    def renews_at_once(self, name: str) -> None:
        if gateway := self._awake(name):
            self._ask(gateway)
            self.deliver_request(-1, again=False)
            self.deliver_answer(-1, again=False, lags=False)

    @rule(which=st.integers(0, 9), again=st.booleans())
    def deliver_request(self, which: int, again: bool) -> None:
        if not self.asked:
            return
        which %= len(self.asked)
        message = self.asked[which] if again else self.asked.pop(which)
        renewal = self.log.renew(message["name"], message["instance"], message["obeys"], self.now)
        self.answers.append({**message, "renewal": renewal})

    @rule(which=st.integers(0, 9), again=st.booleans(), lags=st.booleans())
    def deliver_answer(
        self,
        which: int,
        again: bool,
        lags: bool,
    ) -> None:
        """`lags`: what it is told to fetch from the log does not come."""
        if not self.answers:
            return
        which %= len(self.answers)
        answer = self.answers[which] if again else self.answers.pop(which)
        gateway = self._awake(answer["name"])
        if gateway is None or gateway.instance != answer["instance"]:
            return
        what = gateway.lease.answered(
            answer["renewal"], answer["asked_at"], gateway.intake.position
        )
        if what == "publish":
            self._publish(gateway)
        if what == "catch-up" and not lags:
            self._take_all(gateway, self.log.newest)
        gateway.step(self.now)

    def _publish(self, gateway: Gateway) -> None:
        current = gateway.intake.current
        if current is None:
            return
        first = current.number if not self.log.newest else self.log.newest + 1
        for number in range(first, current.number + 1):
            self.log.newest = number
            self.log.published[number] = self.now

    @rule(name=NAMES)
    def gateway_is_paused_or_goes_on(self, name: str) -> None:
        self.gateways[name].stopped = not self.gateways[name].stopped

    @rule(name=NAMES, machine=st.booleans(), jump=st.sampled_from((0.0, 5000.0, -1e7)))
    def crashes_and_restarts(self, name: str, machine: bool, jump: float) -> None:
        """Of the process or the machine; the wall clock may be set meanwhile."""
        gateway = self.gateways[name]
        gateway.stopped = False
        gateway.wall_offset += jump
        if machine:
            gateway.boot += 1
            gateway.booted_at = self.now
        gateway.start(self.now)
        self.log.join(name, gateway.instance, self.now)

    @rule(name=NAMES)
    def joins_again(self, name: str) -> None:
        if gateway := self._awake(name):
            self.log.join(name, gateway.instance, self.now)

    @rule(name=NAMES)
    def all_is_well_for_a_moment(self, name: str) -> None:
        if gateway := self._awake(name):
            self._all_well(gateway)

    @rule()
    def somebody_asks_where_it_is_in_force(self) -> None:
        self.promised = max(self.promised, self.log.applied_everywhere(self.now))

    @invariant()
    def no_stale_action(self) -> None:
        for gateway in getattr(self, "gateways", {}).values():
            number = gateway.acting(self.now)
            if number is None:
                continue
            acknowledged = max(gateway.disk_receipts, default=0)
            assert number >= acknowledged, "acts under an older bundle than it acknowledged"
            assert number >= self.promised, "acts under an older one than was said to be in force"
            assert self.log.alive(gateway.name, self.now), "acts without a lease"
            silence = (self.now - gateway.heard_at) * min(RATES)
            assert silence <= GRACE_HOURS * 3600 + 2, "acts past its grace"
