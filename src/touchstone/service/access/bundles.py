"""Policy bundles: built from what is agreed and answered, recorded, and laid where gateways look.

The record comes first: a bundle that is in nobody's record is never in force. One that a crash kept
from being laid there is laid by the next deed, from the record.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

from touchstone.deeds.access import bundle_published
from touchstone.deeds.deed import Deed
from touchstone.deeds.known_case import KnownCase
from touchstone.handin import seconds_of
from touchstone.ledger import Signer
from touchstone.review import State, evolve, require_known
from touchstone.review.events.settling import BundlePublished, Carried
from touchstone.service.access.case_texts import CaseTexts
from touchstone.service.case_context import Case
from touchstone.service.errors import CannotOrderError, RefusedDeed
from touchstone.terms import Position, Registry, build_bundle, bundle_digest, reissue_bundle
from touchstone.terms.bundle.policy_bundle import parse_body

_STREAM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
MOVED = "topic-moved"
"""The code of a deed that rests on what has moved since."""
TRIES = 10
"""How often a bundle is prepared before it is given up."""
First = Callable[[str | None], Deed]
"""Makes the deed that a bundle goes with, from the bundle's digest."""


class BundleShelf(Protocol):
    """Where gateways look for bundles, as a folder that they watch."""

    def prepare(self) -> None:
        """Make it ready. Raises CannotOrderError where it takes nothing."""

    def has(self, name: str) -> bool:
        """Whether a bundle of that name lies there."""

    def require_free(self, name: str) -> None:
        """Raise CannotOrderError where something of that name lies there."""

    def put(self, name: str, data: bytes) -> None:
        """Lay a bundle there, whole and durable."""

    def keep(self, name: str, data: bytes) -> None:
        """Keep a bundle that is in nobody's record yet, where no gateway takes it for one."""

    def read(self, name: str) -> bytes | None:
        """A bundle that lies there, or is kept; None: neither."""

    def place_of(self, name: str) -> str:
        """Where gateways find it."""


@dataclass(frozen=True)
class Published:
    """A bundle that gateways may now obey."""

    stream: str
    number: int
    digest: str
    directives: tuple[str, ...]
    place: str
    """Where gateways find it: what it was laid on, and its name."""
    key: str
    """The developer's public key, in hex: what a gateway pins."""
    equals: int | None = None
    """The earlier bundle to whose state it returns."""
    changes: tuple[str, ...] = ()
    """What that brings back and ends, in words."""

    def lines(self) -> list[str]:
        """For people."""
        carried = f"directives {', '.join(self.directives)}" if self.directives else "no directive"
        back = f", the state of bundle {self.equals} again" if self.equals else ""
        return [
            f"Bundle {self.number} of {self.stream}{back}: the agreed terms and {carried}.",
            *self.changes,
            f"  {self.place}  {self.digest}",
            f'  A gateway obeys it by this pin: key = "{self.key}", stream = "{self.stream}"',
        ]

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "stream": self.stream,
            "number": self.number,
            "bundle": self.digest,
            "directives": list(self.directives),
            "path": self.place,
            "key": self.key,
            "equals": self.equals,
            "changes": list(self.changes),
        }


@dataclass(frozen=True)
class BundleInHand:
    """A signed bundle, its event, and the deeds by which it is recorded; none: it is already."""

    deeds: tuple[Deed, ...]
    event: BundlePublished
    data: bytes


def bundle_name(number: int) -> str:
    """What a bundle is called where gateways look for it."""
    return f"{number:06d}.bundle"


def publish(
    case: Case,
    out: BundleShelf,
    registry: Registry | None = None,
    stream: str | None = None,
    *,
    first: First | None = None,
    texts: dict[str, str] | None = None,
) -> Published:
    """Sign the next bundle of the agreed terms and of every directive that is carried out.

    Where the newest bundle says the same already, and no deed goes first, none is signed: `out`
    gets what it lacks.

    Args:
        case: The case.
        out: Where gateways look for bundles.
        registry: Who belongs where; None: as the newest bundle has it.
        stream: The deployment; None: the newest bundle's, or else the model's id.
        first: Makes a deed that is recorded just before, and counts in the bundle.
        texts: Texts by digest that this deed brings into the record.

    Raises:
        NotAgreedError: no terms are agreed.
        CannotOrderError: there is no registry, or `out` takes nothing.
        Refused: the developer may not do this now.
        KeyMissingError: the developer's key is not on this machine.
    """
    # Nobody here knows whether what a newer version wrote changed what a bundle is to say.
    require_known(case.state)
    out.prepare()

    def prepared(state: State) -> BundleInHand:
        at = case.now()
        after = evolve(state, first(None).event, at) if first else state
        recorded = CaseTexts(case, after)
        for digest, text in (texts or {}).items():
            recorded.know(digest, text)
        place, position = next_place(state, stream, lambda: case.submission.model.id)
        data = build_bundle(
            stream=place,
            issued=seconds_of(at),
            terms=recorded.agreed,
            registry=recorded.registry() if registry is None else registry,
            signer=_developer(case),
            directives=recorded.answered(at),
            after=position,
        )
        newest = state.newest_bundle(place)
        if newest and not first and same_in_force(data, old := recorded.bundle(newest)):
            return BundleInHand((), newest, old)
        carried = recorded.carried(at)
        deed = bundle_deed(case, at, place, position, data, recorded.agreed.digest, carried)
        goes_first = (first(bundle_digest(data)),) if first else ()
        return BundleInHand((*goes_first, deed), published_by(deed, out), data)

    return _done(case, out, *_recorded(case, prepared))


def return_to(case: Case, out: BundleShelf, number: int, stream: str | None = None) -> Published:
    """Sign the next bundle with the state of an older one: numbers only go up.

    Raises:
        CannotOrderError: no such bundle was published, or `out` takes nothing.
        Refused: its terms are no longer agreed, or the developer may not do this now.
        KeyMissingError: the developer's key is not on this machine.
    """
    # Nobody here knows whether what a newer version wrote changed what a bundle is to say.
    require_known(case.state)
    out.prepare()

    def prepared(state: State) -> BundleInHand:
        place, position = next_place(state, stream, lambda: case.submission.model.id)
        older, newest = older_bundle(state, place, number, position)
        at = case.now()
        data = reissue_bundle(
            CaseTexts(case, state).bundle(older),
            issued=seconds_of(at),
            signer=_developer(case),
            after=newest,
        )
        told = older.terms, older.directives, number
        deed = bundle_deed(case, at, place, position, data, *told)
        return BundleInHand((deed,), published_by(deed, out), data)

    published = _done(case, out, *_recorded(case, prepared))
    return replace(published, changes=_changes(case.state))


def older_bundle(
    state: State, stream: str, number: int, newest: Position | None
) -> tuple[BundlePublished, Position]:
    """The bundle of a stream with a number, and the newest's place, after which it comes again.

    Raises CannotOrderError: none was published.
    """
    for each in state.bundles:
        if newest is not None and (each.stream, each.number) == (stream, number):
            return each, newest
    known = tuple(each.number for each in state.bundles if each.stream == stream)
    raise CannotOrderError("bundle-unknown", stream=stream, number=number, published=known)


def _developer(case: Case) -> Signer:
    return case.installation.keyring.party(case.participants.developer)


def _recorded(case: Case, prepare: Callable[[State], BundleInHand]) -> tuple[State, BundleInHand]:
    """Have a bundle prepared and signed without the case's lock, and then recorded.

    Where what it rests on moved meanwhile it is refused, and prepared anew: as for whoever signs on
    another machine.
    """
    for left in reversed(range(TRIES)):
        # Before the state: what moves between the two is then not taken for seen.
        seen = case.seen
        prepared = prepare(case.state)
        if not prepared.deeds:
            return case.state, prepared
        try:
            return case.record(prepared.deeds, seen), prepared
        except RefusedDeed as refusal:
            if refusal.code != MOVED or not left:
                raise
    raise AssertionError("the last try returns or raises")


def _changes(state: State) -> tuple[str, ...]:
    """What the newest bundle brings back and ends, against the one before it in its stream."""
    newest = state.bundles[-1]
    before = next(b for b in reversed(state.bundles[:-1]) if b.stream == newest.stream)
    names, gone = ([each.directive for each in bundle.directives] for bundle in (newest, before))
    found = []
    if newest.terms != before.terms:
        found.append(f"  It has the terms {newest.terms}, and no longer {before.terms}.")
    for name in names:
        if name not in gone:
            lifted = ", which was lifted" if state.directives[name].lifted_at else ""
            found.append(f"  {name}{lifted} is carried out again.")
    found += [f"  {name} is no longer carried out." for name in gone if name not in names]
    return tuple(found)


def next_place(
    state: State, stream: str | None, usual: Callable[[], str]
) -> tuple[str, Position | None]:
    """The stream, and the position of its newest bundle; None: it has none.

    `stream` is the one that was named; else it is the newest bundle's, and before any the `usual`
    one. Raises CannotOrderError where none can be called so.
    """
    newest = state.bundles[-1] if state.bundles else None
    place = stream
    if place is None:
        place = newest.stream if newest else usual()
    # The record's own form of a name.
    if not _STREAM.fullmatch(place):
        raise CannotOrderError("stream-malformed", stream=place[:40])
    before = state.newest_bundle(place)
    return place, Position(before.number, before.bundle) if before else None


def bundle_deed(
    case: KnownCase,
    at: str,
    stream: str,
    after: Position | None,
    data: bytes,
    terms: str,
    carried: tuple[Carried, ...],
    equals: int | None = None,
) -> Deed:
    """The deed that publishes a bundle (`data`), made at a time (UTC); see `bundle_published`."""
    number = after.number + 1 if after else 1
    by, name = case.participants.developer, bundle_name(number)
    return bundle_published(case, by, stream, number, data, name, terms, carried, at, equals)


def published_by(deed: Deed, out: BundleShelf) -> BundlePublished:
    """The facts of a bundle that is about to be recorded, if its place is free.

    Raises CannotOrderError where it is not.
    """
    event = deed.event
    if not isinstance(event, BundlePublished):
        raise TypeError(f"{event.type} publishes no bundle")
    out.require_free(bundle_name(event.number))
    return event


def _done(case: Case, out: BundleShelf, state: State, made: BundleInHand) -> Published:
    event, data = made.event, made.data
    _deliver(case, out, state, event, data)
    return bundle_told(event, out, state.parties[case.participants.developer].key)


def bundle_told(event: BundlePublished, out: BundleShelf, key: str) -> Published:
    """What is told of a bundle that gateways may obey; `key` is the developer's (hex)."""
    return Published(
        event.stream,
        event.number,
        event.bundle,
        tuple(each.directive for each in event.directives),
        out.place_of(bundle_name(event.number)),
        key,
        event.equals,
    )


def _deliver(
    case: Case, out: BundleShelf, state: State, newest: BundlePublished, data: bytes
) -> None:
    """Lay the newest bundle there, after whichever older ones a crash kept from being laid."""
    recorded = CaseTexts(case, state)
    for each in state.bundles:
        name = bundle_name(each.number)
        if each.stream == newest.stream and not out.has(name):
            out.put(name, data if each == newest else recorded.bundle(each))


def same_in_force(one: bytes, other: bytes) -> bool:
    """Whether two bundles put the same in force: all but header and signature, and the terms."""
    read, known = (parse_body(each[: each.rfind(b"\n", 0, -1) + 1]) for each in (one, other))
    parts = ("policy", "directives", "registry", "terms", "grace_hours", "stream")
    return all(getattr(read, part) == getattr(known, part) for part in parts)
