"""`touchstone party`: a party's keys on its own machine, and how it is in its cases by them."""

from dataclasses import replace
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from touchstone.cli.hands import (
    ANYWHERE,
    HERE,
    AtServer,
    CaseId,
    Where,
    act,
    check_options,
    hand_of,
)
from touchstone.cli.output import Json, show, show_json, tell, tell_facts
from touchstone.cli.signers import rotate, signers, successor
from touchstone.cli.typed import fingerprint_of, key_elsewhere, line_if, name_of
from touchstone.errors import BadInputError

DONE = 0
party = App(name="party", help="Make a party's keys, join cases, and say who signs for it.")
party.command(signers)
party.command(rotate)
party.command(successor)
RoleName = Literal[
    "developer",
    "centre",
    "co-evaluator",
    "independent-evaluator",
    "agency",
    "trusted-partner",
    "auditor",
]


@party.command
def init(
    name: str,
    *,
    passphrase: Annotated[bool, Parameter(negative="")] = False,
    signer: Annotated[bool, Parameter(negative="")] = False,
    json: Json = False,
) -> int:
    """Make a party's key on this machine, and the one that is to follow it; no key leaves it.

    Keep the one that follows elsewhere: whoever has both can take the party's place. Tell the
    others the first fingerprint by a way of which they know that it is yours.

    For example: touchstone party init example-lab

    Args:
        name: The party's id, as the framework or the centre's invitation has it.
        passphrase: Encrypt the keys; the passphrase is asked for, here and at each deed.
        signer: Make the key of a further signer alone, for the party to admit: its own key stays
            on another machine.
    """
    from touchstone.cli.passphrases import new_passphrase
    from touchstone.client.party_home import PartyHome
    from touchstone.ledger.claims import claim_of
    from touchstone.service.homes import check_home, home_folder

    folder = check_home(home_folder())
    PartyHome.require_new(folder, name)
    secret = new_passphrase() if passphrase else None
    home = PartyHome.create(folder, name, secret, signer=signer)
    own = home.signer()
    facts = {"party": name, "key": own.public_key.hex(), "fingerprint": own.fingerprint}
    said = f"{name} signs with {own.fingerprint} (public key {facts['key']})."
    if signer:
        facts["claim"] = claim_of(name, own)
        # A signer's key is nobody's until the party says so; a party's own joins cases by itself.
        said += "\nIt signs nothing before the party admits it, where its own key is:"
        said += f"\n  touchstone party signers admit {facts['claim']} --label LABEL --kind TYPE"
    else:
        facts["next"] = home.following().fingerprint
        said += f"\nThe key that is to follow it: {facts['next']}"
        said += (
            f"\nBoth are in {folder / 'parties' / name}: keep next-1.pem in another place, since"
            " whoever has both can take the party's place."
        )
    tell_facts(said, facts, json=json)
    return DONE


@party.command(name="show")
def show_(*, where: AtServer = ANYWHERE) -> int:
    """Show the parties that have keys on this machine, and the servers that each knows.

    By a server, too: which key each of the party's cases there has of it, and which one it expects
    next.

    For example: touchstone party show --as example-lab --server https://touchstone.example
    """
    from touchstone.cli.hands_there import party_home
    from touchstone.client.party_home import parties_of
    from touchstone.service.homes import check_home, home_folder

    check_options(where)
    one = (party_home(where.party).party,) if where.party or where.server else None
    names = parties_of(check_home(home_folder())) if one is None else one
    rows = list[dict[str, Any]]()
    for each in names:
        home = party_home(each)
        servers = [{"server": place.url, "pinned": place.pinned} for place in home.servers]
        own = home.signer()
        keys = {"fingerprint": own.fingerprint, "key": own.public_key.hex()}
        rows.append({"party": each, **keys, "next": home.announced_here(), "servers": servers})
        if where.server is not None:
            rows[-1]["cases"] = _recorded_keys(replace(where, party=each), own.fingerprint)
    if where.json:
        show_json(rows)
        return DONE
    for row in rows:
        show(f"{row['party']} signs with {row['fingerprint']} (public key {row['key']}).")
        show(f"  The key that is to follow it: {row['next'] or 'its file is not on this machine'}")
        for place in row["servers"]:
            show(f"  knows {place['server']}, whose first key is {place['pinned']}")
        for case in row.get("cases", ()):
            show(f"  in case {case['case']}: {case['key']}, and then {case['next']}")
            if case["key"] != row["fingerprint"] and not case["further"]:
                show("    not the key here: what was begun goes on by touchstone party rotate")
    if not rows:
        show("No party has a key on this machine; make one: touchstone party init NAME")
    return DONE


def _recorded_keys(where: AtServer, here: str) -> list[dict[str, Any]]:
    """The key that each of a party's cases at a server has of it, and the one that is to follow.

    `further`: the key of this machine, with the fingerprint `here`, signs beside it.
    """
    from touchstone.ledger import fingerprint

    rows = list[dict[str, Any]]()
    with where.hand as hand:
        for name in hand.cases():
            own = hand.look(name)
            if party := own.state.parties.get(own.by):
                key = fingerprint(bytes.fromhex(party.key))
                facts = {"key": key, "next": party.next, "further": here in party.signers}
                rows.append({"case": own.id, **facts})
    return rows


@party.command
def invite(
    case: CaseId,
    invited: str,
    *,
    role: RoleName,
    expects: str | None = None,
    where: Where = HERE,
) -> int:
    """Let a party join a case, for the developer or the centre; it joins by its own key.

    For example: touchstone party invite case-1 example-agency --role agency --expects SHA256:...

    Args:
        invited: The party's id.
        role: What it is to be in the case.
        expects: The fingerprint of its key, as you had it from the party itself; default: whichever
            key it brings.
    """
    from touchstone.deeds.cases import party_invited

    name = name_of("INVITED", invited)
    key = None if expects is None else fingerprint_of("--expects", expects)
    return act(
        where,
        case,
        lambda known: party_invited(known, known.by, name, role, key),
        role="centre",
    )


@party.command
def join(
    case: CaseId,
    *,
    role: RoleName,
    key: str | None = None,
    following: Annotated[str | None, Parameter(name="--next")] = None,
    where: Where = HERE,
) -> int:
    """Join a case by the party's own key, as it was invited.

    For example: touchstone party join case-1 --role agency --server https://touchstone.example

    Args:
        role: What the party was invited as.
        key: With --to-file: the public key of the party, which is on another machine.
        following: With --key: the fingerprint of the key that is to follow it.
    """
    from touchstone.deeds.cases import party_joined

    elsewhere = key_elsewhere(key, following, where)
    with hand_of(where) as hand:
        if elsewhere is not None:
            brought, after = elsewhere
            signer = None
        else:
            home = hand.keys(make=True)
            signer, after = home.signer(), home.following().fingerprint
            brought = signer.public_key.hex()
        done = hand.act(
            case,
            lambda known: party_joined(known, known.by, role, brought, after),
            signer=signer,
        )
    tell(done, json=where.json)
    return DONE


@party.command
def remove(case: CaseId, guest: str, *, reason: str | None = None, where: Where = HERE) -> int:
    """End the part of a party that you invited, or take its invitation back.

    What it did stands, and it keeps what it had. Developer and centre are not removed, nor is an
    agency that the framework names: those leave by themselves. Name the case by its whole id.

    For example: touchstone party remove case-1 example-evaluator --reason "Its work is done."

    Args:
        guest: The party's id.
        reason: Why, one line for every party of the case; for an invitation none is needed.
    """
    from touchstone.client.party_case import PartyCase
    from touchstone.deeds.cases import party_removed, party_uninvited
    from touchstone.deeds.deed import Deed

    name, why = name_of("GUEST", guest), line_if("--reason", reason)

    def draft(known: PartyCase) -> Deed:
        # Who has not joined has no part to end: its invitation is taken back, without a word.
        if name in known.state.invitations:
            return party_uninvited(known, known.by, name)
        if why is None:
            raise BadInputError("--reason: write one line that says why, for every party to read")
        return party_removed(known, known.by, name, why)

    return act(where, case, draft, role="centre")


@party.command
def leave(case: CaseId, *, reason: str | None = None, where: Where = HERE) -> int:
    """Leave a case, by the party's own deed; what it did stands, and it keeps what it had.

    It cannot be undone: name the case by its whole id.

    The developer leaves by `review withdraw`, and the centre closes a case by `review close`. To
    take along what was open to the party: touchstone case export.

    For example: touchstone party leave case-1 --as example-evaluator

    Args:
        reason: Why, one line for the record; it need not be said.
    """
    from touchstone.deeds.cases import party_left

    why = line_if("--reason", reason)
    return act(where, case, lambda known: party_left(known, known.by, why))


@party.command
def reinvite(case: CaseId, lost: str, *, expects: str, where: Where = HERE) -> int:
    """Say that another party lost its keys and goes on with a new one; two must say so.

    It may object for 72 hours with the key that it had.

    For example: touchstone party reinvite case-1 example-agency --expects SHA256:...

    Args:
        lost: The party that lost its keys.
        expects: The fingerprint of its new key, as you had it from the party itself.
    """
    from touchstone.deeds.cases import party_reinvited

    name, key = name_of("LOST", lost), fingerprint_of("--expects", expects)
    return act(where, case, lambda known: party_reinvited(known, known.by, name, key))


@party.command(name="object")
def object_(case: CaseId, *, where: Where = HERE) -> int:
    """Say that the party lost no key: what others said of a new one for it ends.

    For example: touchstone party object case-1 --as example-agency
    """
    from touchstone.deeds.cases import recovery_objected

    return act(where, case, lambda known: recovery_objected(known, known.by))


@party.command
def rejoin(
    case: CaseId,
    *,
    stands_by: Literal["all", "none"] = "all",
    where: Where = HERE,
) -> int:
    """Go on in a case with a new key, once two others have said so; the old keys end.

    Make the new key first, in a new home: touchstone party init NAME. Name the case by its whole
    id: what the old keys were to sign is over.

    For example: touchstone party rejoin case-1 --server https://touchstone.example

    Args:
        stands_by: Of what the old keys signed in this case: all of it, or none; what the party does
            not stand by is shown as disavowed, and stays.
    """
    from touchstone.client.party_case import PartyCase
    from touchstone.deeds.cases import party_rejoined
    from touchstone.deeds.deed import Deed
    from touchstone.ledger import fingerprint

    with hand_of(where) as hand:
        home = hand.keys()
        signer, after = home.signer(), home.following().fingerprint

        def draft(known: PartyCase) -> Deed:
            old = known.state.parties.get(known.by)
            # The signers' keys too: whoever had the party's own may have admitted them.
            ending = [fingerprint(bytes.fromhex(old.key)), *old.signers] if old else []
            lasts = dict.fromkeys(ending) if stands_by == "none" else {}
            key = signer.public_key.hex()
            return party_rejoined(known, known.by, key, after, lasts)

        done = hand.act(case, draft, signer=signer)
    tell(done, json=where.json)
    return DONE
