"""Events as sentences, for the timeline of a report and for `review show`.

The sentences themselves are the messages `event.TYPE` of the catalogue.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from touchstone.editions.run_text import lost_beside, verdict_in_words
from touchstone.editions.sentences import catalogue, sentence
from touchstone.review import late_days
from touchstone.review.events.base import Event, EventWithTexts, UnknownEvent
from touchstone.review.events.detecting import TranscriptsScanned
from touchstone.review.events.measuring import NOT_SHOWN, ClockAnchored, VerdictReached
from touchstone.review.events.opening import SubmissionReceived
from touchstone.statistics import VerdictWord

LONGEST_TYPE = 80
"""As much is shown of the name of a type that a newer version wrote."""
NOTHING: Mapping[str, str] = {}


def event_sentence(
    event: Event,
    names: Mapping[str, str] = NOTHING,
    titles: Mapping[str, str] = NOTHING,
    texts: Mapping[str, str] = NOTHING,
) -> str:
    """One line that says what happened, from the event's own facts and the words that go with it.

    `names` are what people call parties, `titles` what they call criteria, by id; an id that has
    none stands for itself. `texts` are the words by fact, as `Entry.texts` gives them.
    """
    if isinstance(event, UnknownEvent):
        return _unknown(event, names)
    key = f"event.{event.type}"
    values = event.facts() | _about(event, names, titles, texts)
    # The sentence says which values it needs, so that another language may use more of the facts,
    # or fewer.
    asked = catalogue().fields(key)
    return sentence(f"event.{event.type}", **{name: values[name] for name in asked})


def told_alone(event: Event, names: Mapping[str, str]) -> str:
    """One sentence that says what happened, when and by whom, for where no column says that.

    `names` are what people call parties, by id.
    """
    by = {"day": event.at[:10], "party": names.get(event.actor, event.actor)}
    if isinstance(event, UnknownEvent):
        return sentence("told.unknown", type=event.type[:LONGEST_TYPE], **by)
    if f"told.{event.type}" not in catalogue().messages:
        return sentence("told.any-other", type=event.type, **by)
    values = event.facts() | _about(event, names, NOTHING, NOTHING) | by
    asked = catalogue().fields(f"told.{event.type}")
    return sentence(f"told.{event.type}", **{name: values[name] for name in asked})


def folded_sentence(kind: str, count: int) -> str:
    """One line for so many entries of one type in a row."""
    if f"folded.{kind}" in catalogue().messages:
        return sentence(f"folded.{kind}", count=count)
    return sentence("folded.any-other", type=kind, count=count)


def designation_in_words(designation: str) -> str:
    """`covered frontier model`: what a designation says of the model."""
    return sentence("name.designation", designation=designation)


def flags_in_words(event: TranscriptsScanned) -> list[str]:
    """Which detectors flagged something, each with the number of transcripts; or that none did."""
    said = [
        sentence("event.flagged-by", detector=each.detector, flagged=each.flagged)
        for each in event.counts
        if each.flagged
    ]
    return said or [sentence("event.flagged-nothing")]


def quoted_title(criterion: str, titles: Mapping[str, str]) -> str:
    """A criterion's title in quotation marks; its id where there is none."""
    return sentence("quoted.title", title=titles[criterion]) if criterion in titles else criterion


def _unknown(event: UnknownEvent, names: Mapping[str, str]) -> str:
    known = {
        "type": event.type[:LONGEST_TYPE],
        "actor": names.get(event.actor, event.actor),
        "at": event.at,
    }
    if event.schema_version > 1:
        return sentence("event.unknown-schema", schema=event.schema_version, **known)
    return sentence("event.unknown", **known)


def _about(
    event: Event, names: Mapping[str, str], titles: Mapping[str, str], texts: Mapping[str, str]
) -> dict[str, Any]:
    """What a sentence says otherwise than the facts have it: names for ids, words for digests."""
    facts = event.facts()
    found: dict[str, Any] = {}
    if isinstance(event, EventWithTexts):
        found |= {name: texts.get(name, sentence("event.text-not-here")) for name in event.TEXTS}
    if "criterion" in facts:
        found["criterion"] = quoted_title(str(facts["criterion"]), titles)
    if "domain" in facts:
        found["domain"] = str(facts["domain"]).replace("-", " ")
    parties = (name for name in ("audience", "party") if name in facts)
    found |= {name: names.get(facts[name], facts[name]) for name in parties}
    for name, lines in _LISTS.items():
        if name in facts:
            found[name] = lines(facts[name], names, titles)
    found |= _key_act(facts.get("key_act"), names)
    if "framework" in facts:
        found["framework"] = facts["framework"]["id"]
    return found | _of_type(event)


def _of_type(event: Event) -> dict[str, Any]:
    """What is worked out of the facts of one type."""
    if isinstance(event, VerdictReached):
        return {"verdict": _verdict(event), "counts": _counts(event)}
    if isinstance(event, TranscriptsScanned):
        return {"counts": flags_in_words(event)}
    if isinstance(event, SubmissionReceived):
        named = [f"{each.id} {each.weights}" for each in event.variants if each.weights]
        return {"with_weights": bool(named), "weights": named}
    return {"late": late_days(event)} if isinstance(event, ClockAnchored) else {}


def _key_act(act: object, names: Mapping[str, str]) -> dict[str, Any]:
    """Who joins or is invited as what, and what a key is called."""
    if not isinstance(act, Mapping):
        return {}
    told = {name: act[name] for name in ("role", "label") if name in act}
    party = str(act.get("party", ""))
    return {**told, "party": names.get(party, party)}


def _admitted(
    admits: Sequence[Mapping[str, Any]], names: Mapping[str, str], _: Mapping[str, str]
) -> list[str]:
    return [
        sentence("event.admitted-as", party=names.get(one["party"], one["party"]), role=one["role"])
        for one in admits
    ]


def _item_sets(
    sets: Sequence[Mapping[str, Any]], _: Mapping[str, str], titles: Mapping[str, str]
) -> list[str]:
    return [
        sentence(
            "event.items-for", size=one["size"], criterion=quoted_title(one["criterion"], titles)
        )
        for one in sets
    ]


def _count(outcomes: Sequence[object], _: Mapping[str, str], __: Mapping[str, str]) -> int:
    return len(outcomes)


_LISTS = {"admits": _admitted, "item_sets": _item_sets, "outcomes": _count}


def _verdict(event: VerdictReached) -> str:
    """The word, with the rate that it claims where it came early."""
    claimed = event.stop.claimed if event.stop else None
    return verdict_in_words(event.verdict, None if claimed is None else str(claimed))


def _counts(event: VerdictReached) -> list[str]:
    """What was counted and where it stopped; then what is not shown, and what else was lost."""
    first = [sentence("run.solved", solved=event.solved, counted=event.counted)]
    first += [
        sentence("run.lost", kind=kind, count=count)
        for kind, count in event.unmeasured.by_kind.items()
    ]
    if event.stop is not None and event.stop.used < event.stop.size:
        first.append(sentence("run.stopped-of", size=event.stop.size))
    said = [sentence("list-of.commas", items=first)]
    if event.verdict == VerdictWord.NOT_MEASURED and event.reasoning in NOT_SHOWN:
        said.append(sentence("run.mode-not-shown", reasoning=event.reasoning))
    said += [
        lost_beside(each) for each in event.references if each.unmeasured.total or not each.shown
    ]
    return said
