"""What the measuring cost, in samples and in tokens."""

from touchstone.editions.audience_case import AudienceCase
from touchstone.editions.page import Fact
from touchstone.editions.sentences import sentence
from touchstone.evaluation import Usage


def spent(case: AudienceCase) -> tuple[Fact, ...]:
    """What the measuring cost, as far as the audience may read."""
    if not case.state.tallies:
        return ()
    tokens = sum(tally.tokens for tally in case.state.tallies.values())
    samples = sum(tally.recorded for tally in case.state.tallies.values())
    return (
        Fact(sentence("spent.samples"), _count(samples)),
        Fact(sentence("spent.tokens"), _count(tokens)),
        *_beside(case, tokens),
    )


def _count(count: int) -> str:
    return sentence("spent.count", count=count)


def _beside(case: AudienceCase, tokens: int) -> tuple[Fact, ...]:
    """What was paid for beside the samples that have an outcome: probes, questions, dead runs."""
    seen = case.visible("snapshot-seen") + case.visible("snapshot-changed")
    chunks = case.visible("outcomes-recorded")
    asked = [entry.content("probes") for entry in seen]
    # Each entry of a chunk counts the whole chunk so far.
    used = {entry.event.facts()["chunk"]: entry.content("details") for entry in chunks}
    # All or nothing: a sum over the entries that this audience may read would pass for what the
    # review cost.
    if not all("used" in (content or {}) for content in used.values()) or None in asked:
        return (Fact(sentence("spent.not-in-this"), sentence("spent.not-told")),)
    taken = [
        each
        for content in asked
        for kind in ("probes", "readiness")
        for each in content.get(kind, {}).values()
    ]
    probes = sum(Usage.model_validate(each["usage"]).total for each in taken)
    dead = sum(Usage.model_validate(each["used"]).total for each in used.values()) - tokens
    return (
        Fact(sentence("spent.probes"), _count(probes)),
        Fact(sentence("spent.dead"), _count(max(dead, 0))),
    )
