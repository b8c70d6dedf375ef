"""Directives that spare people, how far they reach, and where two conflict."""

import pytest

from support.terms_files import NOW, POPULATION, REGISTRY, terms
from touchstone.terms import (
    Decider,
    Directive,
    Pin,
    PolicyBundleError,
    Position,
    Request,
    Terms,
    TermsFileError,
    accept_bundle,
    build_bundle,
    bundle_digest,
    compile_policy,
    in_force,
    parse_directive,
    position,
    reissue_bundle,
)
from touchstone.terms.directives.coverage import directive_conflicts, exceeds
from touchstone.terms.document.directive_file import ordered

OPEN = {"id": "open", "effect": "permit"}
HEAD = """format = "touchstone/directive/1"
id = "{id}"
title = "Suspend"
reason = "an invented worry"
expires = "2026-12-01T00:00:00Z"
"""
FOREIGN = '[[rules]]\nid = "foreign"\neffect = "forbid"\nnationality = ["foreign"]\ndual = "home"\n'
OF_CONCERN = FOREIGN.replace('"foreign"]', '"of-concern"]')
STAFF = "[[rules.except]]\nstaff = true\n"
RESTORED = '[[restores]]\ndirective = "june-12"\nlists = ["restored"]\n'
THINKING = Request("final", "thinking", NOW)


@pytest.fixture(scope="module")
def agreed() -> Terms:
    return terms(OPEN, dual="home")


def directive(agreed: Terms, body: str = FOREIGN, name: str = "june-12") -> Directive:
    return parse_directive(HEAD.format(id=name) + body, f"{name}.toml", agreed)


def allowed(agreed: Terms, directives: list[Directive], person: str, at: int = NOW) -> bool:
    facts = {name: each for each, name in POPULATION.example.items()}[person]
    decider = Decider(compile_policy(in_force(agreed, directives)))
    return decider.decide(facts, Request("final", "thinking", at)).allowed


def test_a_later_directive_spares_a_named_list(agreed: Terms):
    order, later = directive(agreed), directive(agreed, RESTORED, "june-26")
    assert not allowed(agreed, [order], "ann")
    assert allowed(agreed, [order, later], "ann")
    assert not allowed(agreed, [order, later], "lee")
    # Alone it orders nothing, and after its end nobody is spared by it.
    assert allowed(agreed, [later], "lee")
    assert str(later.restores[0]).startswith("spares from june-12: named list restored, before")


def test_what_is_spared_ends_with_the_directive_that_spares(agreed: Terms):
    longer = HEAD.format(id="june-12").replace("2026-12", "2027-12") + FOREIGN
    order = parse_directive(longer, "june-12.toml", agreed)
    later = directive(agreed, RESTORED, "june-26")
    assert allowed(agreed, [order, later], "ann", later.expires - 1)
    assert not allowed(agreed, [order, later], "ann", later.expires)


def test_a_directive_has_a_digest_of_what_it_says(agreed: Terms):
    text = HEAD.format(id="june-12") + FOREIGN
    same = parse_directive("# a remark\n" + text, "x.toml", agreed)
    assert same.digest == directive(agreed).digest
    assert same.digest != directive(agreed, OF_CONCERN).digest
    assert same.lines()[0] == "Suspend: an invented worry. It ends 2026-12-01T00:00:00Z."


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("", "d.toml: it forbids nothing: write [[rules]], or [[restores]] to spare people"),
        ('[[restores]]\ndirective = "june-12"\n', "d.toml: restores 1: names nobody: say who"),
        ('[[restores]]\ndirective = "june-26"\nstaff = true\n', "by exceptions in its own rules"),
        ("[[restores]]\nstaff = true\n", 'd.toml: restores 1: the key "directive" is missing'),
        (RESTORED.replace("restored", "restord"), '"restord" (did you mean "restored"?)'),
        (RESTORED.replace("lists", "list"), 'unknown key "list" (did you mean "lists"?)'),
    ],
)
def test_a_lawyer_is_told_file_key_and_mend(agreed: Terms, body: str, told: str):
    with pytest.raises(TermsFileError) as refused:
        parse_directive(HEAD.format(id="june-26") + body, "d.toml", agreed)
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_narrower_reading_lies_within_the_order_and_not_the_other_way_round(agreed: Terms):
    order, reading = directive(agreed), directive(agreed, FOREIGN + STAFF)
    within = exceeds(reading.rules, order.rules, agreed, POPULATION)
    assert within.change is None
    assert within.thorough
    further = exceeds(order.rules, reading.rules, agreed, POPULATION)
    assert further.change is not None
    assert further.change.example.person == "lee"


def test_a_reading_that_lasts_longer_reaches_further(agreed: Terms):
    later = HEAD.format(id="june-12").replace("2026-12", "2027-12") + FOREIGN
    reading = parse_directive(later, "x.toml", agreed)
    assert exceeds(reading.rules, directive(agreed).rules, agreed, POPULATION).change is not None


def test_a_conflict_of_two_directives_is_said_and_the_prohibition_prevails(agreed: Terms):
    sparing, forbidding = (
        directive(agreed, FOREIGN + STAFF),
        directive(agreed, FOREIGN, "june-20"),
    )
    (found,) = directive_conflicts([sparing, forbidding], agreed, POPULATION, NOW)
    assert str(found) == (
        "june-12 spares lee (nationality XC, residence XA, tier named-list, organisation "
        "example-lab, end user civil, the developer's own staff) asking for variant final in mode "
        "instant, and june-20/foreign forbids it: the prohibition prevails (1 people); only a "
        "directive that restores from june-20 would spare them"
    )
    assert not allowed(agreed, [sparing, forbidding], "lee")
    explicit = directive(
        agreed,
        RESTORED.replace('lists = ["restored"]', "staff = true").replace("june-12", "june-20"),
        "june-21",
    )
    assert directive_conflicts([sparing, forbidding, explicit], agreed, POPULATION, NOW) == []
    assert allowed(agreed, [sparing, forbidding, explicit], "lee")


def test_directives_that_agree_have_no_conflict(agreed: Terms):
    both = [directive(agreed), directive(agreed, OF_CONCERN, "june-20")]
    assert directive_conflicts(both, agreed, POPULATION, NOW) == []
    assert directive_conflicts([], agreed, POPULATION, NOW) == []


class Signer:
    """A key from a seed, so that bundles are the same in every run."""

    def __init__(self) -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415 - used once
            Ed25519PrivateKey,
        )

        self._key = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
        self.public_key = self._key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)


def test_going_back_is_a_new_bundle_with_an_older_state(agreed: Terms):
    signer = Signer()
    pin = Pin(signer.public_key, "gateways")
    common = {"stream": "gateways", "terms": agreed, "registry": REGISTRY, "signer": signer}
    first = build_bundle(**common, issued=NOW)  # type: ignore[arg-type]
    one = accept_bundle(first, pin, None)
    assert one.digest == bundle_digest(first)
    second = build_bundle(
        **common,  # type: ignore[arg-type]
        issued=NOW,
        directives=[directive(agreed)],
        after=position(one),
    )
    two = accept_bundle(second, pin, position(one))
    back = reissue_bundle(first, issued=NOW + 9, signer=signer, after=position(two))
    three = accept_bundle(back, pin, position(two))
    assert (three.number, three.previous, three.issued) == (3, two.digest, NOW + 9)
    assert (three.policy, three.registry, three.terms) == (one.policy, one.registry, one.terms)
    assert [len(each.directives) for each in (one, two, three)] == [0, 1, 0]
    with pytest.raises(PolicyBundleError, match="replayed"):
        accept_bundle(first, pin, position(two))
    with pytest.raises(PolicyBundleError, match="forged"):
        accept_bundle(back.replace(b'"number":3', b'"number":4'), pin, Position(3, two.digest))


def test_restorations_of_others_change_nothing(agreed: Terms):
    order = directive(agreed)
    other = directive(agreed, RESTORED.replace("june-12", "june-01"), "june-26")
    assert tuple(ordered(order, [order, other])) == order.rules
