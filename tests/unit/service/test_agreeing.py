"""What the parties sign, and whether a hand-in is complete, come from framework and submission."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import get_args
from zoneinfo import ZoneInfo

import pytest

from support.reviews import write_submission
from support.small_case import Minutes
from touchstone.cli import tables
from touchstone.deeds.deed import Deed
from touchstone.deeds.drafting import worded
from touchstone.deeds.known_case import Participants
from touchstone.evaluation import Submission, load_submission
from touchstone.framework import Framework, parse_framework
from touchstone.framework.kinds import Publication, Purpose, Reasoning
from touchstone.review.audience_view import newest_entry
from touchstone.review.errors import Refused
from touchstone.review.events import opening, settling
from touchstone.service.case_context import Case
from touchstone.service.cases.agreement import agreed_terms, missing
from touchstone.service.cases.case_admin import open_found, show_case
from touchstone.service.cases.destroying import destroy_case
from touchstone.service.cases.opening import (
    check_parties,
    completed,
    find_case,
    open_case,
    require_complete,
)
from touchstone.service.errors import StoppedError
from touchstone.service.frameworks import load_framework
from touchstone.service.installation import Installation, open_installation
from touchstone.service.measurement.sealing import seal
from touchstone.service.reporting.edition_files import audiences, issue_editions
from touchstone.verdicts.errors import CannotRunError

URL = "http://127.0.0.1:9/v1"
CAST = Participants("example-lab", "example-centre", ("example-agency",))
TEN_DAYS = "[agreement]\nretention_days = 10\n"
ASKS = 'purposes = ["final"]'


def framework(*changes: tuple[str, str]) -> Framework:
    shipped = resources.files("touchstone.framework").joinpath("shipped/example.toml")
    text = shipped.read_text("utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return parse_framework(text, "changed.toml")


def submission(folder: Path, top: str = "", extra: str = "") -> Submission:
    """A submission with keys added at its top and tables at its end."""
    path = write_submission(folder, URL, extra=extra)
    path.write_text(top + path.read_text("utf-8"), "utf-8")
    return load_submission(path)


@contextmanager
def home(folder: Path) -> Iterator[Installation]:
    with open_installation(folder / "home", Minutes()) as here:
        yield here


def signed(case: Case) -> opening.AgreementSigned:
    agreement = case.state.agreement
    assert agreement is not None
    return agreement


def test_the_words_of_a_submission_are_those_of_the_record():
    variant, agreement = opening.Variant.model_fields, opening.AgreementSigned.model_fields
    assert get_args(variant["purpose"].annotation) == get_args(Purpose)
    assert get_args(agreement["reasoning"].annotation) == get_args(Reasoning)
    assert get_args(agreement["publication"].annotation) == get_args(Publication)
    accesses = Submission.model_fields["access"].annotation
    assert get_args(agreement["access"].annotation) == get_args(accesses)


def test_the_frameworks_template_is_what_is_signed(tmp_path: Path):
    own = framework(
        ("retention_days = 365", "retention_days = 30"),
        ('publication = "agreed-report"', 'publication = "free"'),
    )
    with home(tmp_path) as here:
        case = open_case(here, own, submission(tmp_path), CAST)
        assert (signed(case).retention_days, signed(case).publication) == (30, "free")
        shown = show_case(here, case.id).agreement
        assert (shown["retention_days"], shown["publication"], shown["keep_until"]) == (
            30,
            "free",
            None,
        )


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "America/New_York", "UTC"])
@pytest.mark.parametrize("destroyed", [False, True])
def test_until_when_content_is_kept_has_an_hour_and_the_frameworks_zone(
    tmp_path: Path, zone: str, *, destroyed: bool
):
    example = load_framework("example").window.timezone
    own = framework((f'timezone = "{example}"', f'timezone = "{zone}"'))
    with home(tmp_path) as here:
        case = open_case(here, own, submission(tmp_path, extra=TEN_DAYS), CAST)
        if destroyed:
            destroy_case(here, case.id)
        else:
            case.record([closed(case)])
        shown = show_case(here, case.id)
    (at,) = [each["at"] for each in shown.timeline if each["text"].startswith("Closes")]
    instant = datetime.fromisoformat(shown.agreement["keep_until"])
    # Of a destroyed case the framework can be read no more, and the clock's facts stay.
    reckoned = ZoneInfo(zone)
    local = datetime.fromisoformat(at).astimezone(reckoned)
    assert instant.utcoffset() == instant.replace(tzinfo=reckoned).utcoffset()
    assert instant.date() == local.date() + timedelta(days=10)
    assert (instant.hour, instant.minute) == (23, 59)
    assert shown.agreement["timezone"] == str(reckoned)
    tables.case(shown)


def test_what_is_kept_for_longer_than_any_calendar_goes_has_no_last_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    with home(tmp_path) as here:
        case = open_case(here, load_framework("example"), submission(tmp_path), CAST)
        case.record([closed(case)])
        state = case.state
        for days, kept in ((36_525, "36525 days, until 21"), (2**53 - 1, "more than 100 years, p")):
            agreed = signed(case).model_copy(update={"retention_days": days})
            monkeypatch.setattr(type(state), "agreement", agreed)
            shown = show_case(here, case.id)
            tables.case(shown)
            assert f"kept for {kept}" in " ".join(capsys.readouterr().out.split())
            assert shown.agreement["retention_days"] == days


def closed(case: Case) -> Deed:
    return worded(case, settling.CaseClosed, case.participants.centre, texts={"reason": "done"})


def test_a_submission_narrows_and_both_parties_sign_it(tmp_path: Path):
    wishes = '[agreement]\nretention_days = 7\npublication = "nothing"\n'
    given = submission(tmp_path, 'access = "developer-premises"\n', wishes)
    with home(tmp_path) as here:
        case = open_case(here, load_framework("example"), given, CAST)
        agreement = signed(case)
        assert (agreement.access, agreement.retention_days, agreement.publication) == (
            "developer-premises",
            7,
            "nothing",
        )
        (signatures,) = case.state.agreements.values()
        assert set(signatures) == {"example-lab", "example-centre"}


def test_where_nothing_may_be_published_no_public_edition_is_made(tmp_path: Path):
    given = submission(tmp_path, extra='[agreement]\npublication = "nothing"\n')
    with home(tmp_path) as here:
        case = open_case(here, load_framework("example"), given, CAST)
        wanted = audiences(case.participants, case.state.agreement)
        names = {e.audience for e in issue_editions(case, tmp_path / "out", wanted)}
        assert names == {"example-lab", "example-centre", "example-agency"}
    given = submission(tmp_path)
    with home(tmp_path / "other") as here:
        case = open_case(here, load_framework("example"), given, CAST)
        assert "public" in {a.name for a in audiences(case.participants, case.state.agreement)}


@pytest.mark.parametrize(
    ("wishes", "told"),
    [
        ("retention_days = 366", "agreement.retention_days: 366 is more than the 365"),
        ('publication = "free"', "agreement.publication: 'free' is more than the 'agreed-report'"),
    ],
)
def test_more_than_the_template_is_refused_before_a_case_is_opened(
    tmp_path: Path, wishes: str, told: str
):
    given = submission(tmp_path, extra=f"[agreement]\n{wishes}\n")
    with pytest.raises(CannotRunError) as caught:
        check_parties(load_framework("example"), given)
    assert told in str(caught.value)


def test_a_framework_without_a_template_is_signed_under_the_standard_one(tmp_path: Path):
    agreed = agreed_terms(load_framework("us-2026-06"), submission(tmp_path))
    assert (agreed.template.id, agreed.retention_days) == ("standard", 365)


def test_an_incomplete_hand_in_is_recorded_and_waits(tmp_path: Path):
    own = framework(
        (ASKS, 'purposes = ["helpful-only"]\ndocuments = ["model card"]'),
        ('reasoning = "none"', 'reasoning = "full"'),
    )
    short = submission(tmp_path, 'still_to_come = ["the test report"]\n')
    short = short.model_copy(update={"reasoning_access": "summary"})
    with home(tmp_path) as here:
        case = open_case(here, own, short, CAST)
        assessment = case.state.assessment
        assert assessment is not None
        assert not assessment.complete
        entry = newest_entry(here.records.case(case.id), "submission-assessed")
        assert entry.content("missing")["missing"] == [
            "a variant with purpose helpful-only",
            "a document of kind model card",
            "reasoning access full; it is summary",
            "still to come: the test report",
        ]
        with pytest.raises(StoppedError, match="missing: a variant with purpose helpful-only; "):
            require_complete(case)
        with pytest.raises(Refused):
            seal(case, 2, "confined", accepted=True)


def test_what_completes_a_hand_in_goes_on_in_the_same_case(tmp_path: Path):
    own = framework((ASKS, 'documents = ["model card"]'))
    with home(tmp_path) as here:
        case = open_case(here, own, submission(tmp_path), CAST)
        (tmp_path / "card.md").write_text("About the model.")
        document = '[[documents]]\npath = "card.md"\nkind = "model card"\n'
        whole = submission(tmp_path, extra=document + "[agreement]\nretention_days = 10\n")
        assert missing(own, whole) == ()
        assert find_case(here, own, whole) is None
        again = completed(here, own, whole)
        assert again is not None
        assert again.id == case.id
        require_complete(again)
        assert find_case(here, own, whole) is not None
        assert signed(again).retention_days == 10
        assert again.state.clock is not None
        assert again.state.clock.submission == whole.digest
        assert open_found(here, case.id).submission == whole
        seal(again, 2, "confined", accepted=True)
        assert completed(here, own, whole) is None


def test_a_complete_case_takes_no_other_submission_by_this_way(tmp_path: Path):
    with home(tmp_path) as here:
        open_case(here, load_framework("example"), submission(tmp_path), CAST)
        other = submission(tmp_path, extra="[agreement]\nretention_days = 10\n")
        assert completed(here, load_framework("example"), other) is None
