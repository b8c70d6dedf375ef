"""An invented edition with every kind of row; what verdicts rest on is really computed."""

import math
from dataclasses import replace

import numpy as np

from touchstone.editions.page import (
    Accounting,
    Claim,
    ClockFacts,
    Conflict,
    CriterionReason,
    DesignationFacts,
    DetectorRow,
    DifficultyCount,
    EvidenceCurve,
    Fact,
    FindingFacts,
    FlagFacts,
    ModeFacts,
    NotMeasured,
    PartyFacts,
    PowerFacts,
    ReportData,
    ResultRow,
    TimelineEvent,
    VerificationFacts,
    WithheldParts,
)
from touchstone.editions.page.grading_facts import GradingFacts, GradingRow
from touchstone.statistics import (
    RateRule,
    SequentialDesign,
    clopper_pearson,
    confidence_sequence,
    difficulty_design,
    evidence_path,
    population_interval,
    rate_against_threshold,
    replay_outcomes,
)


def result(title: str, mode: str, solved: tuple[int, ...], counted: int) -> ResultRow:
    """A row with `counted` samples at each difficulty from 1 up."""
    total, of = sum(solved), counted * len(solved)
    rule = RateRule(0.5, 0.1, 0.05, 0.05)
    verdict = rate_against_threshold(total, of, rule)
    interval = clopper_pearson(total, of)
    return ResultRow(
        criterion=title.lower().replace(" ", "-"),
        title=title,
        domain="cyber",
        mode=mode,
        verdict=verdict.word,
        solved=total,
        counted=of,
        low=interval.low,
        high=interval.high,
        rule="Threshold: a success rate of 0.5, zone 0.1 on either side.",
        threshold=0.5,
        zone=0.1,
        extreme=verdict.extreme,
        outcomes=(("solved", total), ("unsolved", of - total - 1), ("lost-endpoint", 1)),
        by_difficulty=tuple(DifficultyCount(d, s, counted) for d, s in enumerate(solved, start=1)),
    )


def early(
    title: str,
    mode: str,
    ability: float,
    *,
    size: int = 60,
    zone: float = 0.1,
    seed: int = 1,
    threshold: float = 0.5,
    under_way: int = 3,
) -> ResultRow:
    """A run that may stop early: drawn from a model of `ability`, judged by the real statistics.

    Items have difficulties 1 to 5; a model of ability 3 solves half of those of difficulty 3.
    """
    random = np.random.default_rng(seed)
    levels = random.permutation(np.arange(size) % 5 + 1)
    chances = 1 / (1 + np.exp(levels - ability))
    outcomes = (random.random(size) < chances).astype(float)
    design = difficulty_design(RateRule(threshold, zone, 0.025, 0.05), [int(n) for n in levels])
    used = replay_outcomes(design, dict(enumerate(outcomes))).used
    overshoot = min(under_way, size - used)
    recorded = dict(enumerate(outcomes[: used + overshoot]))
    stop = replay_outcomes(design, recorded)
    assert (stop.used, stop.overshoot) == (used, overshoot)
    counted, solved = clopper_pearson(int(stop.total), used), int(stop.total)
    zoned = f", zone {zone} on either side" if zone else ""
    return ResultRow(
        criterion=title.lower().replace(" ", "-"),
        title=title,
        domain="cyber",
        mode=mode,
        verdict=stop.word,
        solved=solved,
        counted=used,
        low=counted.low,
        high=counted.high,
        rule=f"Threshold: a success rate of {threshold}{zoned}.",
        threshold=threshold,
        zone=zone,
        extreme=solved in (0, used),
        outcomes=(("solved", solved), ("unsolved", used - solved)),
        by_difficulty=(),
        evidence=_facts(design, outcomes[:used], stop.overshoot, stop.word, str(stop.reason)),
        sealed=size,
        claimed=_claims(design.rule).get(stop.word),
    )


def _claims(rule: RateRule) -> dict[str, float]:
    return {"above": rule.above_claims, "below": rule.below_claims}


def _facts(
    design: SequentialDesign, outcomes: np.ndarray, overshoot: int, word: str, reason: str
) -> EvidenceCurve:
    rule, told = design.rule, evidence_path(design, outcomes)
    within, beyond = confidence_sequence(design, outcomes), population_interval(design, outcomes)
    return EvidenceCurve(
        used=len(outcomes),
        size=design.size,
        overshoot=overshoot,
        reason=reason,
        claimed=_claims(rule).get(word),
        bound_above=-math.log10(rule.alpha),
        bound_below=-math.log10(rule.beta),
        above=tuple(float(log) / math.log(10) for log in told.above),
        below=tuple(float(log) / math.log(10) for log in told.below),
        estimate=float(told.estimate[-1]),
        low=within.low,
        high=within.high,
        beyond_low=beyond.low,
        beyond_high=beyond.high,
    )


def early_report(model_name: str = "Example Model 3") -> ReportData:
    """The sample with runs that may stop early: every reason to stop, and one fixed run."""
    fixed = result("Effects on work", "instant", (6, 3, 1, 0, 0), 6)
    return replace(
        sample_report(model_name),
        results=(
            early("Memory safety", "instant", 0.5),
            early("Memory safety", "thinking", 6.0, seed=2),
            early("Memory safety", "tools", 3.0, seed=5),
            early("Payment logic", "instant", 0.0, zone=0.0),
            early("Payment logic", "thinking", 3.2, zone=0.0, seed=7),
            early("Small set", "thinking", 1.0, size=12, zone=0.0, seed=3, under_way=0),
            fixed,
        ),
    )


def crowded_report() -> ReportData:
    """Six modes for each of two criteria: as many pictures as a page has to bear."""
    modes = ("instant", "thinking", "thinking longer", "tools", "browser", "final, with tools")
    rows = [
        early(title, mode, ability, size=200, seed=seed)
        for title in ("Finds memory errors in parsers of untrusted input", "Payment logic")
        for seed, (mode, ability) in enumerate(zip(modes, (0.5, 2, 3.1, 3.8, 5, 7), strict=True))
    ]
    return replace(sample_report(), results=tuple(rows))


def detector(name: str, flagged: int) -> DetectorRow:
    """A detector that did not look at one of 24 transcripts."""
    rates = ("3 of 3", "29% to 100%"), ("none planted", ""), ("0 of 46", "0% to 8%")
    return DetectorRow(name, flagged, 23 - flagged, 1, PowerFacts(*rates))


def sample_report(model_name: str = "Example Model 3") -> ReportData:
    """An edition for the case's parties."""
    return ReportData(
        title=f"Pre-release review of {model_name}",
        audience="the parties of the case",
        marking="TLP:AMBER",
        case="0f3a9c",
        made_at="2026-11-21 14:00 UTC",
        summary=(
            "Example Centre measured two criteria in two modes.",
            "The rule proposes: covered frontier model.",
        ),
        whole=False,
        notices=("An example: the parties and the numbers are invented.",),
        model=(
            Fact("Model", model_name),
            Fact("Developer", "Example Lab"),
            Fact("Release state", "in development"),
            Fact("Planned release", "2027-01-05"),
        ),
        framework=(Fact("Framework", "Example framework"), Fact("Gate", "none")),
        conflicts=(
            Conflict(
                "What the window runs to",
                (
                    Claim("It runs to the public release.", "A page", "2026-06", "reported"),
                    Claim("It runs to the release to partners.", "Another", "2026-06", "analysis"),
                ),
            ),
        ),
        other_cases=("One sentence that is always the same.",),
        parties=(
            PartyFacts("lab", "Example Lab", "developer", "Handed in the model."),
            PartyFacts("centre", "Example Centre", "centre", ""),
        ),
        clock=ClockFacts(
            "30 days before public release.",
            "Europe/London",
            "2026-11-21",
            "2026-12-06",
            "2027-01-05",
            "2027-01-05",
            "The model came in time.",
            "2026-11-30",
            (("2026-12-10", "2026-12-14"),),
            ("It was paused once.",),
        ),
        timeline=(
            TimelineEvent(0, 0, "2026-11-21 13:00:00", "Example Centre", "Opened."),
            TimelineEvent(
                1,
                3,
                "2026-11-21 13:00:00",
                "Example Centre",
                "Reaches 3.",
                ("1: one", "2: two", "3: three"),
            ),
            TimelineEvent(4, 41, "", "withheld", "Withheld (TLP:RED, named parties)."),
        ),
        modes=(
            ModeFacts(
                "instant",
                "final",
                "openai-api/subject/example",
                "sha256:" + "ab" * 32,
                "reasoning effort none",
                "example",
                "the same before, during and after",
            ),
        ),
        elicitation=(
            Fact("Agent", "a plain loop with a shell"),
            Fact("Attempts", "1"),
        ),
        results=(
            result("Memory safety", "instant", (6, 3, 1, 0, 0), 6),
            result("Memory safety", "thinking", (6, 6, 6, 5, 4), 6),
            result("Payment logic", "instant", (0, 0, 0, 0, 0), 6),
            result("Payment logic", "thinking", (4, 3, 3, 3, 2), 6),
        ),
        flags=FlagFacts(
            24,
            23,
            (
                detector("spoofed-result", 2),
                detector("test-awareness", 0),
                DetectorRow("of-another-version", 1, 22, 1, None),
            ),
            ("The items bear no canary that is known here, so none could be flagged.",),
        ),
        gradings=(
            GradingFacts(
                24,
                22,
                "openai-api/example/grader-1",
                "The centre chose it.",
                "Asking it took 560 answers.",
                (
                    GradingRow(
                        "graded-refusal",
                        "3",
                        "20",
                        1,
                        ("13 of 14", "66% to >99%"),
                        ("1 of 39", "<1% to 13%"),
                        ("2 of 4", "0 of 4"),
                        ("11% of 23", "0% to 35%"),
                    ),
                    GradingRow(
                        "graded-giving-up",
                        "no count",
                        "no count",
                        24,
                        ("none answered, of 14", ""),
                        ("none answered, of 39", ""),
                        ("none answered, of 4", "none answered, of 4"),
                        ("no error was measured, so no count is told", ""),
                    ),
                ),
                ("2 further transcripts were recorded after that, and not looked at.",),
            ),
        ),
        findings=(
            FindingFacts(
                "f1",
                "Finds memory errors",
                "It proves them.",
                "Example Centre",
                "The developer has not responded so far.",
            ),
        ),
        designation=DesignationFacts(
            "covered frontier model",
            "Covered if any criterion is above its threshold.",
            (
                CriterionReason("memory-safety", "Memory safety", "met", "27 of 30 in thinking."),
                CriterionReason("labour", "Effects on work", "declared-met", "The lab says so."),
            ),
            ("Officials have not decided.",),
            (Fact("Example Agency", "missing"),),
        ),
        not_measured=(NotMeasured("Labour", "No family of tasks speaks to it."),),
        spent=(Fact("Tokens", "120,000"),),
        accounting=Accounting(42, 90, 50, 39, 1),
        verification=VerificationFacts(
            "ab" * 32, 42, "cd" * 32, "SHA256:" + "ef" * 32, "bundle-parties.jsonl"
        ),
        withheld=(
            WithheldParts("Finding signed: what goes with it", "TLP:RED, named parties", 39),
            WithheldParts("Finding signed: what goes with it", "asked for", 1, erased=True),
        ),
    )
