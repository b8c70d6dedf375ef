"""What was chosen for single item sets before the first sample, in words."""

from touchstone.editions.sentences import sentence
from touchstone.evaluation.packs.manifest import PackLimits
from touchstone.evaluation.seals import SealedSet
from touchstone.evaluation.set_choices import DeclaredScore, SetLimits


def limits_in_words(limits: PackLimits) -> str:
    """`40 messages, 200000 tokens`; that there are none, where none is said."""
    said = [
        sentence("chosen.limit", value=value, name=name.replace("_", " "))
        for name, value in limits.model_dump().items()
        if value is not None
    ]
    return sentence("list-of.commas", items=said) if said else sentence("chosen.no-limit")


def score_in_words(score: DeclaredScore) -> str:
    """Which score is read, and from where on it counts as solved."""
    low, high = score.range
    about = {"scorer": score.scorer, "low": low, "high": high}
    if score.key is None:
        read = sentence("chosen.score", **about)
    else:
        read = sentence("chosen.score-key", key=score.key, **about)
    if score.solved_from is None:
        return sentence("chosen.reported", score=read)
    return sentence("chosen.solved-from", score=read, least=score.solved_from)


def set_in_words(part: SealedSet) -> str:
    """What was chosen for a set beside its items; empty where nothing was."""
    said = []
    if part.attempts > 1:
        said.append(sentence("chosen.attempts", attempts=part.attempts))
    if (how := part.elicitation) is not None:
        limits = PackLimits(
            messages=how.message_limit, tokens=how.token_limit, working_seconds=how.working_seconds
        )
        told = limits_in_words(limits)
        said.append(
            sentence(
                "chosen.elicitation", id=how.id, agent=how.agent, limits=told, digest=how.digest
            )
        )
    if part.limits != SetLimits():
        said.append(sentence("chosen.limits", limits=limits_in_words(part.limits)))
    elif part.score is not None:
        # Else a reader would take the elicitation's, which hold for families alone.
        said.append(sentence("chosen.pack-limits"))
    said += [
        sentence("chosen.role", role=role, model=mark.model, endpoint=mark.endpoint)
        for role, mark in sorted(part.roles.items())
    ]
    if part.score is not None:
        said.append(score_in_words(part.score))
    return sentence("list-of.semicolons", items=said) if said else ""
