"""No stale action, whatever the world does; and each guard, taken away, shows in the model."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from support.delivery import Delivery, Log
from touchstone.gateway.feed import Grace
from touchstone.gateway.fleet import lease
from touchstone.terms.bundle import policy_bundle

STEPS = settings(stateful_step_count=40, suppress_health_check=list(HealthCheck))


def test_no_stale_action():
    run_state_machine_as_test(Delivery, settings=STEPS)


def the_lease_runs_out(world: Delivery) -> None:
    world.time_goes_on(1.04)


def an_old_bundle_comes_again(world: Delivery) -> None:
    world.issue()
    world.feed_speaks("one", kept=True)
    world.anything_reaches_the_intake("one", 1, forged=False)


def a_lease_is_asked_for_after_it_ran_out(world: Delivery) -> None:
    world.time_goes_on(1.1)
    world.issue()
    world.feed_speaks("two", kept=True)
    world.renews_at_once("two")
    world.renews_at_once("two")
    world.somebody_asks_where_it_is_in_force()
    assert world.promised == 2
    world.asks_for_a_lease("one")
    world.deliver_request(-1, again=False)
    world.deliver_answer(-1, again=False, lags=True)


def the_feed_is_silent_for_longer_than_agreed(world: Delivery) -> None:
    world.time_goes_on(3900.0)
    world.renews_at_once("one")


def a_forged_bundle_comes(world: Delivery) -> None:
    world.issue()
    world.anything_reaches_the_intake("one", 2, forged=True)
    assert world.gateways["one"].acting(world.now) == 1


Scene = Callable[[Delivery], None]
SCENES: list[Scene] = [
    the_lease_runs_out,
    an_old_bundle_comes_again,
    a_lease_is_asked_for_after_it_ran_out,
    the_feed_is_silent_for_longer_than_agreed,
    a_forged_bundle_comes,
]


def played(scene: Scene) -> None:
    world = Delivery()
    world.begin((1.0, 1.0))
    assert [each.acting(world.now) for each in world.gateways.values()] == [1, 1]
    scene(world)
    world.no_stale_action()


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_a_scene_that_a_guard_is_for(scene: Scene):
    played(scene)


def test_twin_with_a_lease_that_its_holder_counts_too_long(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lease, "_OWN_PART", 1.5)
    with pytest.raises(AssertionError, match="acts without a lease"):
        played(the_lease_runs_out)


def test_twin_with_an_intake_that_takes_replayed_bundles(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(policy_bundle, "_check_new", lambda *_: None)
    monkeypatch.setattr(policy_bundle, "_check_next", lambda *_: None)
    with pytest.raises(AssertionError, match="older bundle than it acknowledged"):
        played(an_old_bundle_comes_again)


def test_twin_with_a_log_that_renews_a_lease_that_ran_out(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Log, "asks_for_a_running_lease", False)
    with pytest.raises(AssertionError, match="said to be in force"):
        played(a_lease_is_asked_for_after_it_ran_out)


def test_twin_with_a_grace_that_does_not_end(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Grace, "until", lambda _self, _seconds: float("inf"))
    with pytest.raises(AssertionError, match="acts past its grace"):
        played(the_feed_is_silent_for_longer_than_agreed)
