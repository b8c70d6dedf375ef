"""A seed of two sides: what it is made of, and that neither chooses it, whatever it tries."""

from random import Random

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from support.review_case import CENTRE, LAB, Case, make, sealed, shipped_framework
from support.review_probes import ready
from touchstone.ledger import digest_value
from touchstone.review import BadEventError, Refused
from touchstone.review.events import measuring, seeding
from touchstone.review.seeds import contribution_content, seed_commitment, seed_of

BYTES = st.binary(min_size=32, max_size=32)
FIRST = "battery-1"


@given(BYTES, st.one_of(st.none(), BYTES))
def test_the_seed_is_hkdf_of_both(centre: bytes, developer: bytes | None):
    origin = b"centre" if developer is None else b"both"
    info = b"touchstone/battery-seed/2\0" + origin + b"\0" + FIRST.encode()
    whole = centre + (developer or b"")
    assert seed_of(FIRST, centre, developer) == HKDF(SHA256(), 32, None, info).derive(whole)


def test_a_seed_stays_what_it_was():
    """Vectors: records replay for years."""
    one, other = bytes(range(32)), bytes(range(32, 64))
    assert seed_of(FIRST, one, other).hex() == BOTH
    assert seed_of(FIRST, one, None).hex() == ALONE


BOTH = "ca106dac04081c710255e9dbda85179f1ece7c07b7b0d7f440178674b9fb0e05"
ALONE = "0c6b9d7bbaf5c4f72a412b0a6c8d686e3475091db5d67a90143d511d865f7926"


@given(BYTES, BYTES, BYTES)
def test_either_side_s_bytes_change_the_seed(one: bytes, other: bytes, another: bytes):
    seed = seed_of(FIRST, one, other)
    assert (seed_of(FIRST, one, another) == seed) == (another == other)
    assert (seed_of(FIRST, another, other) == seed) == (another == one)
    assert seed_of("battery-2", one, other) != seed
    assert seed_of(FIRST, one, None) != seed


@pytest.mark.parametrize("size", [0, 31, 33])
def test_other_sizes_are_no_contribution(size: int):
    with pytest.raises(ValueError, match="a contribution has 32 bytes"):
        contribution_content(FIRST, "centre", bytes(size))
    with pytest.raises(ValueError, match="a contribution has 32 bytes"):
        seed_of(FIRST, bytes(32), bytes(size))
    with pytest.raises(ValueError, match="a battery seed has 32 bytes"):
        seed_commitment(bytes(size))


# ------------------------------------------------------------------ neither side chooses


def committed(drawn: bytes, battery: str = FIRST) -> seeding.SeedCommitted:
    said = digest_value(contribution_content(battery, "centre", drawn))
    return make(seeding.SeedCommitted, CENTRE, battery=battery, contribution=said)


def contributed(drawn: bytes, answers: str, battery: str = FIRST) -> seeding.SeedContributed:
    said = digest_value(contribution_content(battery, "developer", drawn))
    facts = {"battery": battery, "answers": answers, "contribution": said}
    return make(seeding.SeedContributed, LAB, **facts)


def sealed_of(battery: str, origin: seeding.SeedOrigin | None) -> measuring.BatterySealed:
    schema = 1 if origin is None else 2
    return sealed(battery).model_copy(update={"origin": origin, "schema_version": schema})


def tried(case: Case, event: seeding.SeedCommitted | seeding.SeedContributed) -> bool:
    try:
        case.do(event)
    except (Refused, BadEventError):
        return False
    return True


@given(st.integers(0, 2**32), st.lists(st.sampled_from(["commit", "answer", "other"]), max_size=8))
def test_whatever_both_try_the_first_word_of_each_stands(number: int, tries: list[str]):
    """Each side draws as often as it likes, having seen the other's: one pair can be sealed."""
    rng, case = Random(number), ready(Case(shipped_framework("example")))
    first: dict[str, str] = {}
    for what in tries:
        drawn = rng.randbytes(32)
        if what == "commit":
            event = committed(drawn)
            assert tried(case, event) == ("centre" not in first)
            first.setdefault("centre", event.contribution)
        elif what == "answer":
            answer = contributed(drawn, first.get("centre", digest_value("none")))
            may = "centre" in first and "developer" not in first
            assert tried(case, answer) == may
            if may:
                first["developer"] = answer.contribution
        else:
            assert not tried(case, committed(drawn, "battery-2"))
            assert not tried(case, contributed(drawn, digest_value("another's")))
    origins = [
        None,
        seeding.SeedOrigin(centre=digest_value("drawn anew")),
        *([seeding.SeedOrigin(centre=first["centre"])] if first else []),
        *([seeding.SeedOrigin.model_validate(first)] if "developer" in first else []),
    ]
    stands = origins[-1] if first else None
    for origin in origins:
        if origin != stands:
            with pytest.raises(Refused, match="another seed"):
                case.do(sealed_of(FIRST, origin))
    if first:
        with pytest.raises(Refused, match="seal battery-1 first"):
            case.do(sealed_of("battery-2", None))
    case.do(sealed_of(FIRST, stands))


def test_no_choice_after_the_other_s_commitment_moves_a_bit():
    """The developer answers a commitment by the best of rules, the centre gives up on none.

    Over all centres' draws each bit of the seed is a fair coin: here the 256 of them together, with
    a bound that a fair one passes but once in a million.
    """
    ones = [0, 0, 0]
    rounds = 400
    rng = Random(7)
    for _ in range(rounds):
        centre = rng.randbytes(32)
        seen = digest_value(contribution_content(FIRST, "centre", centre))
        rules = (bytes(32), bytes.fromhex(seen.removeprefix("sha256:")), rng.randbytes(32))
        for place, answer in enumerate(rules):
            ones[place] += int.from_bytes(seed_of(FIRST, centre, answer), "big").bit_count()
    drawn = rounds * 256
    for count in ones:
        assert abs(count - drawn / 2) < 5 * (drawn / 4) ** 0.5
