"""No word comes without enough measured, whatever went wrong; short, `make faults` at length."""

from support.faults.campaign import as_unsolved, campaign


def test_no_word_comes_without_enough_measured():
    counts, wrong = campaign(seed=7, count=60)
    assert wrong == []
    words = {word for _, word in counts}
    assert {"above", "below", "not-measured"} <= words


def test_the_campaign_finds_what_counted_losses_as_inability():
    _, wrong = campaign(seed=7, count=60, impute=as_unsolved)
    assert {said.word for _, said in wrong} == {"below"}
    assert len({trial.fault for trial, _ in wrong}) > 1
