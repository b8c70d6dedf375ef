"""What was chosen that bears on what was measured: at sealing, in the submission, at each run."""

from collections.abc import Mapping
from typing import Any

from touchstone.editions.audience_case import AudienceCase, listed, number, plain
from touchstone.editions.page import Fact
from touchstone.evaluation.families.code import SHIPPED
from touchstone.evaluation.sandbox import at_least
from touchstone.verdicts.conditions import Conditions
from touchstone.verdicts.content_parsers import conditions_of

MIB = 1024 * 1024


def chosen_facts(case: AudienceCase) -> tuple[Fact, ...]:
    """As far as the audience may read it."""
    sealed = case.content("battery-sealed", "registered")
    return (
        *(() if sealed is None else _at_sealing(sealed)),
        *_at_each_run(case),
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


def conditions_by_run(case: AudienceCase) -> list[tuple[str, Conditions]]:
    """When each run of the command began to measure, and under which conditions."""
    found: dict[str, Conditions] = {}
    for entry in case.visible("snapshot-seen"):
        told = entry.parsed("conditions", conditions_of)
        if told is not None:
            found.setdefault(entry.event.at, told)
    return list(found.items())


def _at_sealing(sealed: Mapping[str, Any]) -> list[Fact]:
    """What whoever sealed the battery accepted."""
    facts = [
        Fact(f"Tasks of {part['family']}", f"made by {by['distribution']} {by['version']}")
        for part in sealed["battery"]["sets"]
        if (by := part.get("made_by")) and by["distribution"] != SHIPPED
    ]
    if sealed.get("weaker_grade_accepted"):
        facts.append(Fact("Accepted by the centre", _grade_accepted(sealed)))
    asked = sealed.get("readiness", {})
    if asked:
        failed = [
            f"mode “{mode}”: {'; '.join(said['why'])}"
            for mode, said in asked.items()
            if said["why"]
        ]
        text = (
            "given in every mode" if not failed else f"{'. '.join(failed)}. Accepted all the same"
        )
        facts.append(Fact("A tool call and a long answer, asked before", text))
    return facts


def _grade_accepted(sealed: Mapping[str, Any]) -> str:
    """That a weaker sandbox was used, or only would have been."""
    asked = {part["least_grade"] for part in sealed["battery"]["sets"]}
    grade = sealed["grade"]
    wanting = sorted(each for each in asked if not at_least(grade, each))
    if wanting:
        return (
            f"a sandbox weaker than the cards ask for: {grade}, and they ask for {listed(wanting)}"
        )
    return (
        "a sandbox weaker than the cards ask for would have been; it was not needed: the grade "
        f"used, {grade}, is what they ask for or stronger"
    )


def caps_facts(case: AudienceCase) -> list[Fact]:
    """What the submission lets the measuring cost at most; nothing where that is not to be read."""
    caps: Mapping[str, Any] = (case.submitted or {}).get("caps", {})
    if not caps:
        return []
    said = []
    if caps.get("tokens") is not None:
        said.append(f"{caps['tokens']:,} tokens")
    if caps.get("wall_seconds") is not None:
        said.append(f"{caps['wall_seconds']:,} s by the clock")
    if caps.get("money") is not None:
        said.append(f"{caps['money']} {caps['currency']}")
    prices = [
        f"{caps[f'price_{what}']} {caps['currency']} for a million tokens {way}"
        for what, way in (("input", "in"), ("output", "out"))
        if caps.get(f"price_{what}") is not None
    ]
    text = f"{listed(said)} at most" if said else "none"
    return [Fact("Caps", "; ".join([text, *prices]))]


def _at_each_run(case: AudienceCase) -> list[Fact]:
    """The conditions of the first run, and of each later one what was then other."""
    facts: list[Fact] = []
    before: dict[str, str] = {}
    for at, each in conditions_by_run(case):
        now = _said(each)
        new = {name: text for name, text in now.items() if before.get(name, "") != text}
        when = f", from {at[:16].replace('T', ' ')} UTC on" if before else ""
        facts += [Fact(f"{name}{when}", text or "none") for name, text in new.items()]
        before = {**now, "Halt lifted": ""}
    return facts


def _said(each: Conditions) -> dict[str, str]:
    """One run's conditions in words, by what they are about."""
    asking, sandbox = each.asking, each.sandbox
    pace = asking.requests_per_second
    bounds = [f"{plain(name.replace('_', ' '))} {value}" for name, value in sandbox.items()]
    return {
        "At the same time": f"{number(each.workers, 'worker')}, each with up to "
        f"{number(asking.max_samples, 'sample')}; at most "
        f"{number(asking.max_connections, 'request')} in flight to one endpoint"
        + (f", {pace} begun in a second" if pace else ""),
        "Asking an endpoint": f"{asking.attempt_seconds} s an attempt, "
        f"{number(asking.retries, 'further attempt')} after a fault, "
        f"{asking.backoff_seconds} s before the first of them and doubled each time; answers of at "
        f"most {asking.response_bytes / MIB:g} MiB; {asking.sample_seconds:,} s a sample, waits "
        "included",
        "Sandbox as run": ", ".join(bounds),
        "Accepted with the run": listed([f"--{plain_option}" for plain_option in each.accepted]),
        "Halt lifted": each.resumed,
        "Run by": each.engine,
    }


def _broken_off(case: AudienceCase) -> list[Fact]:
    """Stops and halts, those included after which measuring went on."""
    said = broken_off_by(case)
    return [Fact("Broken off", "; ".join(said))] if said else []


def broken_off_by(case: AudienceCase) -> list[str]:
    """When measuring was broken off, by whom or what, and why; in the order of the record."""
    said = []
    for entry in case.entries:
        event = entry.event
        if not entry.visible or entry.kind not in {"measuring-stopped", "review-halted"}:
            continue
        at = event.at[:16].replace("T", " ")
        if event.type == "review-halted":
            said.append(f"{at} UTC, halted by {case.name(event.actor)}: {entry.said('reason')}")
        else:
            said.append(f"{at} UTC, {plain(event.facts()['reason'])}")
    return said
