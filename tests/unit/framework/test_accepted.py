"""What a framework of one's own may say beyond what the example says."""

from decimal import Decimal

import pytest

from support.frameworks import example_with, text_of
from touchstone.framework import FrameworkFileError, NumericCriterion, parse_framework


def first_criterion(text: str) -> NumericCriterion:
    criterion = parse_framework(text, "mine.toml").criteria[0]
    assert isinstance(criterion, NumericCriterion)
    return criterion


def test_solved_at_least_once_in_k_attempts():
    criterion = first_criterion(
        example_with('measure = "success-rate"', 'measure = "at-least-once-in-k"\nk = 5')
    )
    assert (criterion.measure, criterion.k) == ("at-least-once-in-k", 5)


AT_LEAST_ONCE = (
    'threshold = "0.5"\nzone = "0.1"\nalpha = "0.05"\nbeta = "0.05"',
    'threshold = "0.5"\nzone = "0.1"\nk = {k}\nalpha = "{alpha}"\nbeta = "{beta}"',
)


def at_least_once(**rates: str) -> str:
    text = example_with('measure = "success-rate"', 'measure = "at-least-once-in-k"')
    old, new = AT_LEAST_ONCE
    return text.replace(old, new.format(**rates), 1)


def test_attempts_need_only_be_enough_for_a_below():
    """Half a chance each: three attempts miss with 1/8, whatever a false "above" may cost."""
    criterion = first_criterion(at_least_once(k="3", alpha="0.001", beta="0.125"))
    assert (criterion.k, criterion.alpha, criterion.beta) == (3, "0.001", "0.125")
    with pytest.raises(FrameworkFileError, match=r"beta 0\.124: write at least 4"):
        parse_framework(at_least_once(k="3", alpha="0.5", beta="0.124"), "mine.toml")


def test_relative_to_a_reference_model():
    criterion = first_criterion(
        example_with(
            'measure = "success-rate"',
            'measure = "relative-to-reference"\nreference = "example-lab/older-model"',
        )
    )
    assert criterion.reference == "example-lab/older-model"


def test_a_criterion_may_name_its_modes():
    assert first_criterion(
        example_with('modes = "any"', 'modes = ["instant", "thinking"]')
    ).modes == ("instant", "thinking")


def test_a_zone_may_lie_on_one_side_and_reach_as_far_as_that_side():
    text = example_with('zone = "0.1"', 'zone = "0.1"\nzone_side = "below"')
    found = first_criterion(text)
    assert (found.above_claims, found.below_claims) == (Decimal("0.4"), Decimal("0.5"))
    wide = example_with('zone = "0.1"', 'zone = "0.7"\nzone_side = "above"')
    low = wide.replace('threshold = "0.5"', 'threshold = "0.2"', 1)
    assert first_criterion(low).zone == "0.7"


def test_a_framework_without_a_side_keeps_its_digest():
    said = 'zone = "0.1"\nzone_side = "both"'
    written = parse_framework(example_with('zone = "0.1"', said), "mine.toml").digest
    assert written == parse_framework(text_of("example"), "mine.toml").digest


def test_no_zone_is_a_zone_of_zero():
    assert first_criterion(example_with('zone = "0.1"', 'zone = "0"')).zone == "0"


@pytest.mark.parametrize("day", ["2026-12-25T00:00:00Z", '"2026-12-25T00:00:00"', '"2026"'])
def test_a_holiday_is_a_day_alone(day: str):
    text = example_with('unit = "days"', f'unit = "business-days"\nholidays = [{day}]')
    with pytest.raises(FrameworkFileError, match="alone"):
        parse_framework(text, "mine.toml")


def test_business_days_with_holidays():
    text = example_with('unit = "days"', 'unit = "business-days"\nholidays = [2026-12-25]')
    window = parse_framework(text, "mine.toml").window
    assert window.unit == "business-days"
    assert [day.isoformat() for day in window.holidays] == ["2026-12-25"]


def test_a_date_needs_no_quotes():
    quoted = parse_framework(example_with('"2026-10-01"', '"2026-10-01"'), "mine.toml")
    bare = parse_framework(example_with('"2026-10-01"', "2026-10-01"), "mine.toml")
    assert quoted.digest == bare.digest


def test_terms_may_be_named_by_digest_alone():
    text = example_with('text = """', f'digest = "sha256:{"a" * 64}"\nunused = """')
    head, _, rest = text.partition('unused = """')
    framework = parse_framework(head + rest.partition('"""')[2], "mine.toml")
    assert framework.terms[0].digest == f"sha256:{'a' * 64}"
    assert framework.terms[0].text is None


@pytest.mark.parametrize("anchor", ["submission", "partner-release", "public-release"])
def test_every_anchor(anchor: str):
    text = example_with('anchor = "public-release"', f'anchor = "{anchor}"')
    assert parse_framework(text, "mine.toml").window.anchor == anchor


@pytest.mark.parametrize(
    ("stages", "last"),
    [
        (("offered",), "offered"),
        (("offered", "in-force"), "in-force"),
        (("offered", "halted", "offered"), "offered"),
        (("in-force", "superseded"), "superseded"),
    ],
)
def test_a_life_may_go(stages: tuple[str, ...], last: str):
    block = "".join(
        f'[[life]]\nstage = "{stage}"\ndate = "2026-10-0{day}"\nfacts = ["agreement"]\n\n'
        for day, stage in enumerate(stages, start=1)
    )
    text = example_with('[[life]]\nstage = "in-force"', '[[life]]\nstage = "CUT"')
    head, _, rest = text.partition('[[life]]\nstage = "CUT"')
    framework = parse_framework(head + block + rest[rest.index("[window]") :], "mine.toml")
    assert framework.status == last


@pytest.mark.parametrize(
    ("side", "above", "below"),
    [("both", "0.4", "0.6"), ("above", "0.5", "0.6"), ("below", "0.4", "0.5")],
)
def test_what_early_words_claim_reaches_over_the_side_of_the_zone_alone(
    side: str, above: str, below: str
):
    criterion = first_criterion(example_with('zone = "0.1"', f'zone = "0.1"\nzone_side = "{side}"'))
    assert criterion.threshold == "0.5"
    assert (criterion.above_claims, criterion.below_claims) == (Decimal(above), Decimal(below))
