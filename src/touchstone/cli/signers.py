"""`touchstone party signers` and `rotate`: acts on a party's keys in all of its cases.

Each case has a log of its own, so that one act is one deed a case. A command that was interrupted
is typed again: what stands already in a case is not done there again.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter

from touchstone.cli.confirming import confirm
from touchstone.cli.hands import ANYWHERE, HERE, AtServer, Draft, Hand, Where, hand_of
from touchstone.cli.output import Json, show, show_json, tell, tell_facts, warn
from touchstone.cli.typed import check_claim, claimed_key, key_elsewhere, name_of
from touchstone.errors import AnswerIsNoError, BadInputError, TouchstoneError

if TYPE_CHECKING:
    from touchstone.client.party_case import PartyCase
    from touchstone.client.party_home import PartyHome
    from touchstone.deeds.deed import Deed
    from touchstone.keys import FileSigner
    from touchstone.review.state import Party

DONE = 0
signers = App(name="signers", help="Say which further keys sign for a party, in all its cases.")
Due = Callable[["PartyCase", "Party"], tuple[Draft, ...]]
"""What is to be done in a case, for the party there; empty: it stands, or has no place there."""
OneCase = Annotated[
    tuple[str, ...],
    Parameter(
        name="--case", negative="", help="Only in this case; may be given again. Default: all."
    ),
]


class NotEverywhereError(AnswerIsNoError):
    """An act on keys stands in some of a party's cases, and not in others."""


@dataclass(frozen=True)
class InCases:
    """What was done in each case of a party."""

    what: str
    entries: Mapping[str, int]
    """By case, the entry at which it stands now."""
    stood: tuple[str, ...]
    """The cases in which nothing was to be done."""
    following: str | None = None
    """After a rotation: the fingerprint of the key that is to follow the new one."""

    def lines(self) -> Iterator[str]:
        """For people."""
        yield f"{self.what}: done in {len(self.entries)}, nothing to do in {len(self.stood)} cases."
        if self.following:
            yield f"The key that is to follow it: {self.following}"
            yield (
                "Keep its file, next-N.pem, in another place: whoever has both can take the"
                " party's place."
            )

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        facts = {"entries": dict(self.entries), "stood": list(self.stood)}
        return facts | ({"next": self.following} if self.following else {})


@signers.command(name="show")
def show_(*, case: OneCase = (), where: AtServer = ANYWHERE) -> int:
    """Show, case by case, the party's key and the further keys that sign for it.

    For example: touchstone party signers show --as example-lab
    """
    from touchstone.ledger import fingerprint

    rows: list[dict[str, Any]] = []
    with where.hand as hand:
        for name in case or hand.cases():
            known = hand.look(name)
            party = known.state.parties.get(known.by)
            # Invited, and not joined yet: it has no key there.
            if party is None:
                continue
            further = [
                {"key": key, "label": act.label, "kinds": list(act.kinds)}
                for key, act in party.signers.items()
            ]
            own = fingerprint(bytes.fromhex(party.key))
            rows.append({"case": known.id, "key": own, "next": party.next, "signers": further})
    if where.json:
        show_json(rows)
        return DONE
    for row in rows:
        show(f"{row['case']}: {row['key']}")
        for each in row["signers"]:
            show(f"  {each['label']}, {each['key']}: {', '.join(each['kinds'])}")
    if not rows:
        show("The party is in no case.")
    return DONE


@signers.command
def admit(
    claim: str,
    *,
    label: str,
    kind: Annotated[tuple[str, ...], Parameter(negative="")],
    case: OneCase = (),
    where: Where = HERE,
) -> int:
    """Let a further key sign some kinds of deed for the party, in all of its cases.

    The key is made on its own machine, by touchstone party init NAME --signer, which prints its
    claim: that the machine holds it, and for which party. After a crash the same command goes on.

    For example: touchstone party signers admit 5f3c... --label desk --kind finding-responded

    Args:
        claim: The public key and the proof, as the machine that holds the key printed them.
        label: What the party calls it.
        kind: A type of deed that it may sign, as finding-responded; may be given again.
    """
    from touchstone.deeds.cases import signer_admitted
    from touchstone.ledger import fingerprint

    called, kinds = name_of("--label", label), _kinds(kind)
    public = claimed_key("CLAIM", claim)
    own = fingerprint(bytes.fromhex(public))

    def due(known: "PartyCase", party: "Party") -> tuple[Draft, ...]:
        check_claim("CLAIM", claim, known.by)
        # What a crash left undone is due still; where the key signs already, nothing is.
        if own in party.signers:
            return ()
        for each, act in party.signers.items():
            # A label is to mean one key: `remove` by it would end another one too.
            if act.label == called:
                raise BadInputError(
                    f"--label: {called} is what the party calls {each} in {known.id}; choose"
                    " another, or remove that key before"
                )
        return (lambda known: signer_admitted(known, known.by, public, kinds, called),)

    what = f"The key {called} ({own}) signs {', '.join(kinds)}"
    return _in_each(where, case, due, what)


@signers.command
def remove(
    key: str,
    *,
    stands_by: Literal["all", "none"] = "all",
    case: OneCase = (),
    where: Where = HERE,
) -> int:
    """End a further key at once, in all of the party's cases. After a crash the same goes on.

    Where several keys of a case have that label, all of them end.

    For example: touchstone party signers remove desk --stands-by none

    Args:
        key: What the party calls it, or its fingerprint.
        stands_by: Of what it signed so far: all of it, or none; what the party does not stand by is
            shown as disavowed, and stays.
    """
    from touchstone.deeds.cases import signer_removed

    named = key if key.startswith("SHA256:") else name_of("KEY", key)

    def removing(own: str) -> Draft:
        def draft(known: "PartyCase") -> "Deed":
            # Of each case by itself: the key's deeds are counted in each.
            last = known.seen.log.last_deed(own) if stands_by == "all" else None
            return signer_removed(known, known.by, own, last.seq if last else None)

        return draft

    labels, ever = set[str](), set[str]()

    def due(known: "PartyCase", party: "Party") -> tuple[Draft, ...]:
        labels.update(act.label for act in party.signers.values())
        ever.update(_ever_admitted(known))
        return tuple(
            removing(each) for each, act in party.signers.items() if named in {each, act.label}
        )

    def nothing_due() -> None:
        # After a crash, what was sent before may be what ended it.
        if named in ever:
            return
        known = ", ".join(sorted(labels)) or "none"
        raise BadInputError(f"KEY: no further key is called {named}; these sign now: {known}")

    return _in_each(where, case, due, f"The key {named} signs no more", nothing_due)


def successor(
    *,
    name: Annotated[str | None, Parameter(name="--as", help="The party.")] = None,
    yes: Annotated[bool, Parameter(negative="", help="Do it without asking.")] = False,
    json: Json = False,
) -> int:
    """Let the key that was to follow the party's own take its place on this machine alone.

    It prints what `party rotate --to-file` needs on a machine that has a network and no key. In a
    case the old key signs until the rotation stands there: it stays here for that.

    For example: touchstone party successor --as example-lab
    """
    from touchstone.cli.hands_there import party_home

    home = party_home(name)
    new = home.announced()
    lines = [f"The key of {home.party} on this machine is to be {new.fingerprint}."]
    if not yes:
        confirm(lines, "Let it take over here? [y/N] ", "do this", "nothing was changed")
    home.promote()
    facts = {"party": home.party, "key": new.public_key.hex(), "next": home.following().fingerprint}
    said = (
        f"Next, in each case: touchstone party rotate --case CASE --key {facts['key']}"
        f" --next {facts['next']} --to-file FILE --server URL"
    )
    tell_facts(said, facts, json=json)
    return DONE


def rotate(
    *,
    stands_by: Literal["all", "none"] = "all",
    case: OneCase = (),
    key: str | None = None,
    following: Annotated[str | None, Parameter(name="--next")] = None,
    where: Where = HERE,
) -> int:
    """Replace the party's key by the one that was to follow it, in all of its cases.

    The new one must be on this machine, as next-N.pem beside the key; the one to follow it is made.
    After a crash the same command goes on. With --to-file it is one deed, in one case.

    For example: touchstone party rotate --as example-lab --server https://touchstone.example

    Args:
        stands_by: Of what the old key signed so far: all of it, or none; what the party does not
            stand by is shown as disavowed, and stays.
        case: With --to-file: the case.
        key: With --to-file: the new public key, as `party successor` printed it where it is.
        following: With --key: the fingerprint of the key that is to follow it.
    """
    from touchstone.deeds.cases import party_key_rotated
    from touchstone.ledger import fingerprint

    elsewhere = key_elsewhere(key, following, where)
    if where.to_file is not None:
        return _rotated_in_file(where, case, elsewhere, stands_by)
    if case:
        raise BadInputError("--case: goes with --to-file: without it a key goes in all cases")
    with hand_of(where) as hand:
        home, names = hand.keys(), hand.cases()
        new, begun = _successor(hand, home, names)
        brought = fingerprint(new.public_key)

        def take_over() -> None:
            # Before the first deed that it signs; a crash after it is gone on with.
            if not begun:
                home.promote()

        def due(_: "PartyCase", party: "Party") -> tuple[Draft, ...]:
            # The key that a case does not expect would be refused there: it was rejoined, say.
            if party.key == new.public_key.hex() or party.next != brought:
                return ()
            old = fingerprint(bytes.fromhex(party.key))

            def draft(known: "PartyCase") -> "Deed":
                last = known.seen.log.last_deed(old) if stands_by == "all" else None
                after, seq = home.following().fingerprint, last.seq if last else None
                return party_key_rotated(known, known.by, new.public_key.hex(), after, seq)

            return (draft,)

        what = f"The key is now {brought}"
        done = _do_in_each(hand, where, names, due, what, signer=new, before=take_over)
        done = replace(done, following=home.announced_here())
    tell(done, json=where.json)
    return DONE


def _rotated_in_file(
    where: Where, cases: tuple[str, ...], keys: tuple[str, str] | None, stands_by: str
) -> int:
    """Draft a rotation in one case, on a machine that need not have a key of the party."""
    from touchstone.deeds.cases import party_key_rotated
    from touchstone.ledger import fingerprint

    if len(cases) != 1:
        raise BadInputError("--to-file: a rotation is one deed in each case; name one with --case")
    if keys is None:
        raise BadInputError(
            "--to-file: add --key and --next, which touchstone party successor prints where the key"
            " is"
        )
    new, after = keys
    brought = fingerprint(bytes.fromhex(new))

    def draft(known: "PartyCase") -> "Deed":
        party = known.state.parties.get(known.by)
        if party is None or party.next != brought:
            expected = party.next if party else "no key"
            raise BadInputError(f"--key: is {brought}, and {known.by} announced {expected}")
        last = known.seen.log.last_deed(fingerprint(bytes.fromhex(party.key)))
        seq = last.seq if last and stands_by == "all" else None
        return party_key_rotated(known, known.by, new, after, seq)

    with hand_of(where) as hand:
        tell(hand.act(cases[0], draft), json=where.json)
    return DONE


def _successor(hand: Hand, home: "PartyHome", names: tuple[str, ...]) -> "tuple[FileSigner, bool]":
    """The key that takes over, and whether it began to: not every case has it then."""
    newest = home.signer()
    states = [hand.look(name) for name in names]
    parties = [party for each in states if (party := each.state.parties.get(each.by))]
    if any(party.next == newest.fingerprint for party in parties):
        return newest, True
    return home.announced(), False


def _ever_admitted(known: "PartyCase") -> Iterator[str]:
    """The labels and fingerprints of all further keys that the party admitted in a case."""
    from touchstone.ledger import fingerprint
    from touchstone.review.events.joining import PartySignerAdmitted

    for entry in known.entries_of("signer-admitted"):
        if entry.event.actor == known.by and isinstance(entry.event, PartySignerAdmitted):
            act = entry.event.key_act
            yield act.label
            yield fingerprint(bytes.fromhex(act.key))


def _stands() -> None:
    """Nothing is due in any case, which is as it should be."""


def _in_each(
    where: Where,
    only: tuple[str, ...],
    due: Due,
    what: str,
    nothing_due: Callable[[], None] = _stands,
) -> int:
    if where.to_file is not None and len(only) != 1:
        raise BadInputError("--to-file: this is one deed in each case; name one with --case")
    with hand_of(where) as hand:
        if where.to_file is not None:
            known = hand.look(only[0])
            party = known.state.parties.get(known.by)
            drafts = () if party is None else due(known, party)
            if not drafts:
                raise BadInputError(f"--case: there is nothing to do in {known.id}")
            if len(drafts) > 1:
                raise BadInputError(
                    f"--to-file: these are {len(drafts)} deeds; name one key by its fingerprint"
                )
            tell(hand.act(only[0], drafts[0]), json=where.json)
            return DONE
        done = _do_in_each(hand, where, only or hand.cases(), due, what)
        if not done.entries:
            nothing_due()
        tell(done, json=where.json)
    return DONE


def _do_in_each(
    hand: Hand,
    where: Where,
    names: tuple[str, ...],
    due: Due,
    what: str,
    *,
    signer: "FileSigner | None" = None,
    before: Callable[[], None] = lambda: None,
) -> InCases:
    """Do what is due in each case, one after the other; a case that refuses keeps none from it.

    `before` is done once somebody said yes. Raises NotEverywhereError where one refused, and
    NotConfirmedError.
    """
    drafts, stood, failed = dict[str, tuple[Draft, ...]](), list[str](), list[str]()
    for name in names:
        try:
            # First: what was sent before, and never answered, may stand.
            hand.settle(name)
            known = hand.look(name)
        except TouchstoneError as error:
            failed.append(f"{name}: {error}")
            continue
        party = known.state.parties.get(known.by)
        if party is not None and (found := due(known, party)):
            drafts[known.id] = found
        else:
            stood.append(known.id)
    if drafts and not where.yes:
        shown = [f"{what}, in {len(drafts)} cases:", *(f"  {name}" for name in drafts)]
        confirm(shown, "Sign this in each of them? [y/N] ", "sign", "nothing was signed")
    if drafts:
        before()
    acting, entries = hand.unasked(), dict[str, int]()
    for number, (name, of_case) in enumerate(drafts.items(), start=1):
        try:
            done = [acting.act(name, draft, signer=signer) for draft in of_case][-1]
        except TouchstoneError as error:
            failed.append(f"{name}: {error}")
            continue
        entries[name] = done.n or 0
        warn(f"{name}: entry {done.n} ({number} of {len(drafts)})")
    if failed:
        raise NotEverywhereError(
            f"{what}: done in {len(entries)}, stood in {len(stood)} of {len(names)} cases; not in"
            f" {'; '.join(failed)}; the same command goes on"
        )
    return InCases(what, entries, tuple(stood))


def _kinds(given: tuple[str, ...]) -> tuple[str, ...]:
    from touchstone.review.rules import RULES

    known = {str(event.model_fields["type"].default) for event in RULES}
    for each in given:
        if each not in known:
            raise BadInputError(f"--kind: {each[:64]!a} is no type of deed, as finding-responded")
    return tuple(sorted(set(given)))
