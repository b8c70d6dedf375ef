"""What was chosen that bears on what was measured: at sealing, in the submission, at each run."""

from collections.abc import Mapping
from typing import Any

from touchstone.editions.audience_case import AudienceCase, plain
from touchstone.editions.page import Fact
from touchstone.editions.sections.calibration import calibration_facts
from touchstone.editions.sections.measured_under import conditions_by_run
from touchstone.editions.sentences import sentence
from touchstone.evaluation.families.code import SHIPPED
from touchstone.evaluation.sandbox import at_least
from touchstone.review.state import RunKey
from touchstone.verdicts.conditions import Conditions

MIB = 1024 * 1024


def chosen_facts(case: AudienceCase) -> tuple[Fact, ...]:
    """As far as the audience may read it."""
    sealed = case.content("battery-sealed", "registered")
    return (
        *(() if sealed is None else _at_sealing(sealed, case)),
        *_at_each_run(case),
        *calibration_facts(case),
        *_broken_off(case),
    )


def chosen_values(case: AudienceCase) -> dict[str, Any]:
    """The same for `--json`: values instead of words."""
    sealed: dict[str, Any] = case.content("battery-sealed", "registered") or {}
    opened, state = case.state.opened, case.state
    newest = next(iter([*state.batteries.values()][::-1]), None)
    return {
        "framework": opened.framework.model_dump() if opened else None,
        "agencies": [name for name, party in state.parties.items() if party.role == "agency"],
        "items": {s.criterion: s.size for s in newest.item_sets} if newest else {},
        "designs": {s.criterion: s.design for s in newest.item_sets} if newest else {},
        "elicitation": sealed.get("elicitation"),
        "elicitations": {
            part["criterion"]: part["elicitation"]
            for part in sealed.get("battery", {}).get("sets", ())
            if "elicitation" in part
        },
        "grade": sealed.get("grade"),
        "weaker_grade_accepted": sealed.get("weaker_grade_accepted"),
        "readiness": sealed.get("readiness"),
        "modes": (case.content("submission-received", "modes") or {}).get("modes"),
        "caps": (case.submitted or {}).get("caps"),
        "runs": [
            {"at": at, **each.model_dump(mode="json")} for at, each in conditions_by_run(case)
        ],
        "stops": [
            {"at": entry.event.at, "reason": entry.event.facts()["reason"]}
            for entry in case.visible("measuring-stopped")
        ],
        "halts": [
            {"at": e.event.at, "by": e.event.actor, "reason": e.said("reason")}
            for e in case.visible("review-halted")
        ],
    }


def _at_sealing(sealed: Mapping[str, Any], case: AudienceCase) -> list[Fact]:
    """What whoever sealed the battery accepted."""
    facts = [
        Fact(
            sentence("chosen.tasks-of", family=part["family"]),
            sentence("chosen.made-by", distribution=by["distribution"], version=str(by["version"])),
        )
        for part in sealed["battery"]["sets"]
        if (by := part.get("made_by")) and by["distribution"] != SHIPPED and not part.get("pack")
    ]
    facts += [
        Fact(sentence("chosen.tasks-of", family=part["family"]), _stated(part["pack"], case))
        for part in sealed["battery"]["sets"]
        if part.get("pack")
    ]
    # Two criteria may be asked by one family.
    facts = list(dict.fromkeys(facts))
    if sealed.get("weaker_grade_accepted"):
        facts.append(Fact(sentence("chosen.accepted-by-centre"), _grade_accepted(sealed)))
    asked = sealed.get("readiness", {})
    if asked:
        facts.append(Fact(sentence("chosen.asked-before"), _readiness(asked)))
    return facts


def _stated(pack: Mapping[str, Any], case: AudienceCase) -> str:
    """Whose word a pack's results are; the developer's own are no finding by the centre."""
    developer = (case.submitted or {}).get("developer", {})
    named = {str(each).casefold() for each in developer.values()}
    own = str(pack["owner"]).casefold() in named
    return sentence(
        "chosen.pack-of-developer" if own else "chosen.pack",
        owner=pack["owner"],
        pack=pack["id"],
        version=pack["version"],
        digest=pack["digest"],
    )


def pack_note(case: AudienceCase, key: RunKey) -> str:
    """Whose word a run's items and scores are, beside its result; empty where no pack's."""
    sealed = (case.content("battery-sealed", "registered") or {}).get("battery", {})
    for part in sealed.get("sets", ()):
        if part["criterion"] == key.criterion and part.get("pack"):
            return sentence("chosen.beside", stated=_stated(part["pack"], case))
    return ""


def _readiness(asked: Mapping[str, Any]) -> str:
    """Whether each mode gave a tool call and a long answer before the first sample."""
    failed = [
        sentence("chosen.mode-failed", mode=mode, why=said["why"])
        for mode, said in asked.items()
        if said["why"]
    ]
    if not failed:
        return sentence("chosen.given")
    return sentence("chosen.accepted-all-the-same", modes=sentence("list-of.stops", items=failed))


def _grade_accepted(sealed: Mapping[str, Any]) -> str:
    """That a weaker sandbox was used, or only would have been."""
    asked = {part["least_grade"] for part in sealed["battery"]["sets"]}
    grade = sealed["grade"]
    # By what the sandbox then was, not by what was accepted: an acceptance that was not needed
    # weakens no result.
    wanting = sorted(each for each in asked if not at_least(grade, each))
    if wanting:
        return sentence("chosen.grade-weaker", grade=grade, wanted=wanting)
    return sentence("chosen.grade-not-needed", grade=grade)


def caps_facts(case: AudienceCase) -> list[Fact]:
    """What the submission lets the measuring cost at most; nothing where that is not to be read."""
    caps: Mapping[str, Any] = (case.submitted or {}).get("caps", {})
    if not caps:
        return []
    said = []
    if caps.get("tokens") is not None:
        said.append(sentence("caps.tokens", tokens=caps["tokens"]))
    if caps.get("wall_seconds") is not None:
        said.append(sentence("caps.seconds", seconds=caps["wall_seconds"]))
    if caps.get("money") is not None:
        said.append(sentence("caps.money", money=str(caps["money"]), currency=caps["currency"]))
    text = sentence("caps.at-most", caps=said) if said else sentence("caps.none")
    return [
        Fact(sentence("caps.label"), sentence("list-of.semicolons", items=[text, *_prices(caps)]))
    ]


def _prices(caps: Mapping[str, Any]) -> list[str]:
    found = []
    if caps.get("price_input") is not None:
        price = {"price": str(caps["price_input"]), "currency": caps["currency"]}
        found.append(sentence("caps.price-input", **price))
    if caps.get("price_output") is not None:
        price = {"price": str(caps["price_output"]), "currency": caps["currency"]}
        found.append(sentence("caps.price-output", **price))
    return found


def _at_each_run(case: AudienceCase) -> list[Fact]:
    """The conditions of the first run, and of each later one what was then other."""
    facts: list[Fact] = []
    before: dict[str, str] = {}
    for at, each in conditions_by_run(case):
        now = _said(each)
        # Only what changed: a report of ten resumed runs would else say the same ten times, and
        # hide what differs.
        new = {name: text for name, text in now.items() if before.get(name, "") != text}
        for name, text in new.items():
            label = sentence("chosen.label", about=name)
            if before:
                label = sentence("chosen.from-then-on", label=label, at=_minute(at))
            facts.append(Fact(label, text or sentence("edition.none")))
        # A lifted halt is an act of its run, and no condition that goes on holding.
        before = {**now, "resumed": ""}
    return facts


def _minute(at: str) -> str:
    return at[:16].replace("T", " ")


def _said(each: Conditions) -> dict[str, str]:
    """One run's conditions in words, by what they are about."""
    asking, sandbox = each.asking, each.sandbox
    bounds = [
        sentence("chosen.bound", name=plain(name.replace("_", " ")), value=str(value))
        for name, value in sandbox.items()
    ]
    accepted = [f"--{option}" for option in each.accepted]
    return {
        "workers": _workers(each),
        "asking": sentence(
            "chosen.asking",
            attempt=str(asking.attempt_seconds),
            retries=asking.retries,
            backoff=str(asking.backoff_seconds),
            mib=f"{asking.response_bytes / MIB:g}",
            sample=asking.sample_seconds,
        ),
        "sandbox": sentence("list-of.commas", items=bounds),
        "accepted": sentence("list-of.and", items=accepted),
        "resumed": each.resumed,
        "engine": each.engine,
    }


def _workers(each: Conditions) -> str:
    asking = each.asking
    counts = {
        "workers": each.workers,
        "samples": asking.max_samples,
        "requests": asking.max_connections,
    }
    if asking.requests_per_second:
        pace = str(asking.requests_per_second)
        return sentence("chosen.workers-pace", **counts, pace=pace)
    return sentence("chosen.workers", **counts)


def _broken_off(case: AudienceCase) -> list[Fact]:
    """Stops and halts, those included after which measuring went on."""
    said = broken_off_by(case)
    if not said:
        return []
    return [Fact(sentence("chosen.broken-off"), sentence("list-of.semicolons", items=list(said)))]


def broken_off_by(case: AudienceCase) -> list[str]:
    """When measuring was broken off, by whom or what, and why; in the order of the record."""
    said = []
    for entry in case.entries:
        event = entry.event
        if not entry.visible or entry.kind not in {"measuring-stopped", "review-halted"}:
            continue
        at = _minute(event.at)
        if event.type == "review-halted":
            by = {"party": case.name(event.actor), "reason": entry.said("reason")}
            said.append(sentence("chosen.halted-by", at=at, **by))
        else:
            said.append(sentence("chosen.stopped-by", at=at, reason=event.facts()["reason"]))
    return said
