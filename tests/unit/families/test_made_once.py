"""An item of a family of claims is made once in a process, however often its battery is drawn."""

import pytest

from touchstone.evaluation.families.memory_safety.family import MemorySafety
from touchstone.evaluation.families.payment_logic.family import PaymentLogic


class Newer(PaymentLogic):
    """The same under another version."""

    __module__ = PaymentLogic.__module__
    version = "next"


def test_two_of_a_kind_share_what_one_made():
    made = PaymentLogic().generate(71, 2)
    assert PaymentLogic().generate(71, 2) is made
    assert made == PaymentLogic().make_item(71, 2, mended=False)
    assert PaymentLogic().generate(71, 3) != made
    assert PaymentLogic().generate(72, 2) != made


def test_another_family_or_version_makes_its_own():
    made = PaymentLogic().generate(71, 2)
    assert Newer().generate(71, 2).version == "next"
    assert MemorySafety().generate(71, 2).family != made.family
    assert PaymentLogic() != Newer() != MemorySafety()


def test_what_cannot_be_made_is_refused_each_time():
    for _ in range(2):
        with pytest.raises(ValueError, match="difficulty"):
            PaymentLogic().generate(71, 9)
