"""Numbers from arrays: intervals, verdicts at stated error rates, early where it can be, estimates.

It knows no case, no item and no model, draws nothing at random and reads no file. One call::

    >>> from touchstone.statistics import RateRule, rate_against_threshold
    >>> rule = RateRule(threshold=0.5, zone=0.1, alpha=0.05, beta=0.05)
    >>> rate_against_threshold(28, 30, rule).word
    <VerdictWord.ABOVE: 'above'>

A sequential verdict takes outcomes one by one, and stops when it may::

    >>> from touchstone.statistics import advance_worst_case, difficulty_design, worst_case_test
    >>> test = worst_case_test(difficulty_design(rule, [1, 1, 2, 2, 3, 3]))
    >>> for outcome in (1.0, None, 1.0):  # None: it measured nothing
    ...     test = advance_worst_case(test, outcome)
    >>> test.progress.word, test.progress.decided
    (<VerdictWord.UNDETERMINED: 'undetermined'>, False)

- `verdict_words`: what is said of a criterion: `VerdictWord`, `ZoneSide`
- `verdicts`: fixed designs: `RateRule`, `FixedVerdict`, `rate_against_threshold`, `at_least_once`,
  `rules_out`, `rate_above_reference`, `any_mode`
- `intervals`: `Interval`, `clopper_pearson`, `wilson`, `lower_bound`, `upper_bound`,
  `difference_bounds`
- `item_model`: chances stated beforehand: `ItemModel`, `homogeneous_model`, `difficulty_model`,
  `BETS_VERSION`
- `e_process`: the bets: evidence that is valid whenever one looks
- `sequential`: verdicts that may stop early: `SequentialDesign`, `sequential_design`,
  `difficulty_design`, `sampling_weights`, `SequentialPanel`, `sequential_panel`, `advance_panel`,
  `Progress`, `Reason`, `sequential_verdict`, `is_informative`, `prefix_outcomes`, `replay_outcomes`
- `worst_case`: the same where samples measured nothing: `WorstCaseTest`, `worst_case_test`,
  `advance_worst_case`, `advance_attempts`, `impute`, `attainable_verdicts`, `InferenceAtStop`,
  `inference_at_stop`
- `confidence_sequences`: valid at any stop: `confidence_sequence`, `population_interval`,
  `EvidencePath`, `evidence_path`
- `multiplicity`: several modes at once: `holm`, `FamilyVerdict`, `family_verdict`,
  `miss_probability`, `attempts_needed`
- `estimates`: beside a verdict, fixed designs: `Estimate`, `clustered_mean`, `effective_clusters`,
  `paired_difference`, `unpaired_difference`, `population_verdict`, `pass_at_k`, `grader_corrected`
- `paired_outcomes`: two runs on the same items: `PairedOutcomes`, `compare_paired`
- `baselines`: what people did: `Trials`, `HumanItem`, `human_item`, `time_within_limit`,
  `arms_apart`
- `matches`: how far something agrees by chance alone: `chance_of_matches`
- `reported_scores`: scores that decide nothing: `MeanScore`, `mean_score`
- `repeated_attempts`: several attempts at each item: `PassRate`, `pass_rate`
- `time_horizons`: `TimeHorizon`, `time_horizon`, `TimedRuns`, `RidgePenalty`, `METR_PENALTY`,
  `LIGHT_PENALTY`
- `power_analysis`: before anything runs: `ClusteredDesign`, `PowerComparison`, `power`,
  `detectable_difference`, `tasks_needed`, `extremes_conclusive`, `binomial_probabilities`,
  `fixed_verdict_probabilities`, `comparison_probabilities`
- `simulation`: `simulate_outcomes`, `draw_battery_rates`, `simulate_verdicts`, `SimulatedVerdicts`
- `integrity`: of a result set: `check_integrity`, `IntegrityIssue`
- `wording`: rates for people, in one way everywhere: `percent`, `exact_percent`,
  `percent_digits`, `percent_interval`
- `errors`: `StatisticsError`, `UnusableNumbersError`

Begin at `touchstone.statistics.verdicts`: `rate_against_threshold(solved, counted, rule)`.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from touchstone.statistics.errors import StatisticsError, UnusableNumbersError
from touchstone.statistics.verdict_words import VerdictWord, ZoneSide
from touchstone.statistics.wording import (
    exact_percent,
    percent,
    percent_digits,
    percent_interval,
)

if TYPE_CHECKING:
    from touchstone.statistics.baselines import (
        HumanItem,
        Trials,
        arms_apart,
        human_item,
        time_within_limit,
    )
    from touchstone.statistics.confidence_sequences import (
        EvidencePath,
        confidence_sequence,
        evidence_path,
        population_interval,
    )
    from touchstone.statistics.estimates import (
        Estimate,
        clustered_mean,
        effective_clusters,
        grader_corrected,
        paired_difference,
        pass_at_k,
        population_verdict,
        unpaired_difference,
    )
    from touchstone.statistics.integrity import IntegrityIssue, check_integrity
    from touchstone.statistics.intervals import (
        Interval,
        clopper_pearson,
        difference_bounds,
        lower_bound,
        upper_bound,
        wilson,
    )
    from touchstone.statistics.item_model import (
        BETS_VERSION,
        ItemModel,
        difficulty_model,
        homogeneous_model,
    )
    from touchstone.statistics.matches import chance_of_matches
    from touchstone.statistics.multiplicity import (
        FamilyVerdict,
        attempts_needed,
        family_verdict,
        holm,
        miss_probability,
    )
    from touchstone.statistics.paired_outcomes import PairedOutcomes, compare_paired
    from touchstone.statistics.power_analysis import (
        ClusteredDesign,
        PowerComparison,
        binomial_probabilities,
        comparison_probabilities,
        detectable_difference,
        extremes_conclusive,
        fixed_verdict_probabilities,
        power,
        tasks_needed,
    )
    from touchstone.statistics.repeated_attempts import PassRate, pass_rate
    from touchstone.statistics.reported_scores import MeanScore, mean_score
    from touchstone.statistics.sequential import (
        Progress,
        Reason,
        SequentialDesign,
        SequentialPanel,
        advance_panel,
        difficulty_design,
        is_informative,
        prefix_outcomes,
        replay_outcomes,
        sampling_weights,
        sequential_design,
        sequential_panel,
        sequential_verdict,
    )
    from touchstone.statistics.simulation import (
        SimulatedVerdicts,
        draw_battery_rates,
        simulate_outcomes,
        simulate_verdicts,
    )
    from touchstone.statistics.time_horizons import (
        LIGHT_PENALTY,
        METR_PENALTY,
        RidgePenalty,
        TimedRuns,
        TimeHorizon,
        time_horizon,
    )
    from touchstone.statistics.verdicts import (
        FixedVerdict,
        RateRule,
        any_mode,
        at_least_once,
        rate_above_reference,
        rate_against_threshold,
        rules_out,
    )
    from touchstone.statistics.worst_case import (
        InferenceAtStop,
        WorstCaseTest,
        advance_attempts,
        advance_worst_case,
        attainable_verdicts,
        impute,
        inference_at_stop,
        worst_case_test,
    )

__all__ = [
    "BETS_VERSION",
    "LIGHT_PENALTY",
    "METR_PENALTY",
    "ClusteredDesign",
    "Estimate",
    "EvidencePath",
    "FamilyVerdict",
    "FixedVerdict",
    "HumanItem",
    "InferenceAtStop",
    "IntegrityIssue",
    "Interval",
    "ItemModel",
    "MeanScore",
    "PairedOutcomes",
    "PassRate",
    "PowerComparison",
    "Progress",
    "RateRule",
    "Reason",
    "RidgePenalty",
    "SequentialDesign",
    "SequentialPanel",
    "SimulatedVerdicts",
    "StatisticsError",
    "TimeHorizon",
    "TimedRuns",
    "Trials",
    "UnusableNumbersError",
    "VerdictWord",
    "WorstCaseTest",
    "ZoneSide",
    "advance_attempts",
    "advance_panel",
    "advance_worst_case",
    "any_mode",
    "arms_apart",
    "at_least_once",
    "attainable_verdicts",
    "attempts_needed",
    "binomial_probabilities",
    "chance_of_matches",
    "check_integrity",
    "clopper_pearson",
    "clustered_mean",
    "compare_paired",
    "comparison_probabilities",
    "confidence_sequence",
    "detectable_difference",
    "difference_bounds",
    "difficulty_design",
    "difficulty_model",
    "draw_battery_rates",
    "effective_clusters",
    "evidence_path",
    "exact_percent",
    "extremes_conclusive",
    "family_verdict",
    "fixed_verdict_probabilities",
    "grader_corrected",
    "holm",
    "homogeneous_model",
    "human_item",
    "impute",
    "inference_at_stop",
    "is_informative",
    "lower_bound",
    "mean_score",
    "miss_probability",
    "paired_difference",
    "pass_at_k",
    "pass_rate",
    "percent",
    "percent_digits",
    "percent_interval",
    "population_interval",
    "population_verdict",
    "power",
    "prefix_outcomes",
    "rate_above_reference",
    "rate_against_threshold",
    "replay_outcomes",
    "rules_out",
    "sampling_weights",
    "sequential_design",
    "sequential_panel",
    "sequential_verdict",
    "simulate_outcomes",
    "simulate_verdicts",
    "tasks_needed",
    "time_horizon",
    "time_within_limit",
    "unpaired_difference",
    "upper_bound",
    "wilson",
    "worst_case_test",
]

_LATER = (
    "baselines",
    "confidence_sequences",
    "estimates",
    "integrity",
    "intervals",
    "item_model",
    "matches",
    "multiplicity",
    "paired_outcomes",
    "power_analysis",
    "repeated_attempts",
    "reported_scores",
    "sequential",
    "simulation",
    "time_horizons",
    "verdicts",
    "worst_case",
)
"""Modules that calculate: what they load takes longer than most commands, which only name words."""


def __getattr__(name: str) -> object:
    """A name of `__all__` that is asked for the first time."""
    if name in __all__:
        for each in _LATER:
            module = import_module(f"{__name__}.{each}")
            if name in vars(module):
                found: object = vars(module)[name]
                globals()[name] = found
                return found
    raise AttributeError(f"{__name__} has no {name}")
