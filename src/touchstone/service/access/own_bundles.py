"""The developer's deeds about directives and bundles, drafted on its own machine.

The bundle is signed there too: what gateways obey is the developer's key, which no server has. An
answer and the bundle that carries it out are two deeds then, in that order: the answer is what the
developer says, the bundle what its gateways do.
"""

from touchstone.deeds.access import directive_answer_revised, directive_answered
from touchstone.deeds.deed import Deed
from touchstone.handin import seconds_of
from touchstone.ledger import Signer
from touchstone.review import require_known
from touchstone.service.access.access_texts import check_length
from touchstone.service.access.bundles import (
    BundleInHand,
    BundleShelf,
    bundle_deed,
    next_place,
    older_bundle,
    published_by,
    same_in_force,
)
from touchstone.service.access.directives import Kind, class_of, own_reading
from touchstone.service.access.offers import TableCase
from touchstone.service.access.orders import directive_called
from touchstone.service.access.own_texts import PartyTexts
from touchstone.service.access.user_base import UserBase, reach_of, registry_of
from touchstone.service.errors import CannotOrderError, NotAgreedError
from touchstone.service.file_io import NamedText
from touchstone.terms import build_bundle, reissue_bundle


def drafted_bundle(
    known: TableCase,
    party: str,
    shelf: BundleShelf,
    crowd: UserBase,
    signer: Signer,
    stream: str | None = None,
) -> BundleInHand:
    """The next bundle of the agreed terms and of all that is carried out, with its deed.

    No deed: the newest one says the same.

    Args:
        known: The case as the developer may read it.
        party: The developer.
        shelf: Where its gateways look, and its earlier bundles lie.
        crowd: Who belongs where; without it, as the newest bundle has it.
        signer: The developer's own key, which gateways pin.
        stream: The deployment; None: the newest bundle's, or else the model's name.

    Raises:
        NotAgreedError: no terms are agreed.
        CannotOrderError: there is no registry, or the shelf takes nothing.
        Refused: the case holds events of a newer version.
    """
    state, at = known.state, known.now()
    require_known(state)
    shelf.prepare()
    recorded = PartyTexts(known, shelf)
    # First: without terms there is nothing to ask a stream's name for.
    agreed = recorded.agreed
    place, position = next_place(state, stream, lambda: _model_of(known))
    registry = registry_of(recorded, crowd)
    data = build_bundle(
        stream=place,
        issued=seconds_of(at),
        terms=agreed,
        registry=recorded.registry() if registry is None else registry,
        signer=signer,
        directives=recorded.answered(at),
        after=position,
    )
    newest = state.newest_bundle(place)
    if newest and same_in_force(data, old := recorded.bundle(newest)):
        return BundleInHand((), newest, old)
    carried = recorded.carried(at)
    deed = bundle_deed(known, at, place, position, data, agreed.digest, carried)
    if deed.event.actor != party:
        raise CannotOrderError("bundle-of-another", party=party, developer=deed.event.actor)
    return BundleInHand((deed,), published_by(deed, shelf), data)


def drafted_return(
    known: TableCase,
    party: str,
    shelf: BundleShelf,
    number: int,
    signer: Signer,
    stream: str | None = None,
) -> BundleInHand:
    """The next bundle with the state of an older one, which lies on the shelf, with its deed.

    The arguments, and what it raises, are as for `drafted_bundle`; `number` is the older bundle's.
    """
    state, at = known.state, known.now()
    require_known(state)
    shelf.prepare()
    place, position = next_place(state, stream, lambda: _model_of(known))
    older, newest = older_bundle(state, place, number, position)
    data = reissue_bundle(
        PartyTexts(known, shelf).bundle(older),
        issued=seconds_of(at),
        signer=signer,
        after=newest,
    )
    told = older.terms, older.directives, number
    deed = bundle_deed(known, at, place, position, data, *told)
    if deed.event.actor != party:
        raise CannotOrderError("bundle-of-another", party=party, developer=deed.event.actor)
    return BundleInHand((deed,), published_by(deed, shelf), data)


def drafted_directive_answer(
    known: TableCase,
    party: str,
    called: str,
    kind: Kind,
    crowd: UserBase,
    *,
    reading: NamedText | None = None,
    reason: str | None = None,
    revise: bool = False,
    shelf: BundleShelf | None = None,
) -> Deed:
    """The deed by which the developer says how it carries a directive out; it names no bundle.

    `called` is the directive's id or number, `shelf` where the developer's bundles lie, of which
    the newest says who belongs where if `crowd` does not; the others are as for
    `directives.answer`. Raises as it does.
    """
    name, recorded = directive_called(known, called), PartyTexts(known, shelf)
    if kind == "by-standing-class":
        return _by_class(known, party, name, recorded, crowd)
    own, people = None, None
    if kind != "contested":
        text, read = own_reading(recorded, name, kind, reading, crowd)
        check_length(text)
        own = (read.digest, text.text)
        # Numbers of people go with it where a user base is at hand.
        if crowd.given:
            people = reach_of(recorded, read, crowd, known.now()).counts()
    answered = directive_answer_revised if revise else directive_answered
    return answered(known, party, name, kind, reading=own, people=people, reason=reason)


def _by_class(
    known: TableCase, party: str, name: str, recorded: PartyTexts, crowd: UserBase
) -> Deed:
    issued, standing = known.state.directives[name].issued, known.state.standing
    directive = recorded.directive(name, issued.order)
    found = class_of(recorded, directive, issued.actor, crowd, known.now())
    if found.matched is None:
        raise NotAgreedError("no-class", directive=name, reasons="; ".join(found.reasons))
    return directive_answered(
        known,
        party,
        name,
        "by-standing-class",
        reason=f"class {found.matched}",
        standing=standing.classes if standing else None,
    )


def _model_of(known: TableCase) -> str:
    """What the developer calls its model, where that can be the name of a stream."""
    handed_in = next(iter([*known.entries_of("submission-received")][-1:]), None)
    content = handed_in.content("submission") if handed_in else None
    if content is None:
        raise CannotOrderError("stream-unnamed")
    return str(content["model"]["id"])
