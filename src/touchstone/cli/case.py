"""`touchstone case` and `touchstone submission`: a case is opened, and a model handed in."""

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from touchstone.cli.agreement import UNCHOSEN, Chosen
from touchstone.cli.endpoint_keys import endpoint_key
from touchstone.cli.hands import ANYWHERE, HERE, AtServer, CaseId, Where, act, hand_of, refusals
from touchstone.cli.output import show, tell
from touchstone.cli.typed import key_elsewhere, line_if, name_of
from touchstone.errors import BadInputError

if TYPE_CHECKING:
    from touchstone.client.party_case import PartyCase
    from touchstone.deeds.deed import Deed
    from touchstone.framework import Framework
    from touchstone.review.events.base import Role

DONE = 0
case = App(name="case", help="Open a case, which its parties then join by their own keys.")
submission = App(name="submission", help="Hand a model in, or say what is missing.")
submission.command(endpoint_key)


@case.command(name="open")
def open_(
    framework: str,
    *,
    developer: str,
    agency: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    model: str | None = None,
    kind: Literal["inquiry", "review", "screening"] = "review",
    name: Annotated[str | None, Parameter(name="--id")] = None,
    key: str | None = None,
    following: Annotated[str | None, Parameter(name="--next")] = None,
    chosen: Chosen = UNCHOSEN,
    where: Where = HERE,
) -> int:
    """Open a case by the centre's key, on a first text of the agreement; others are then invited.

    For example: touchstone case open example --developer example-lab --agency example-agency
    --access endpoint --reasoning full --as example-centre

    Args:
        framework: A shipped id or a .toml file: the case is held to it.
        developer: The party whose model it is, by its id.
        agency: An agency of the framework that is to take part; may be given again.
        model: The model that the agreement is about, by its name.
        kind: A question, a full review, or a comparison with reference models.
        name: The case's id; default: one that nobody has to think of.
        key: With --to-file: the public key of the centre, which is on another machine.
        following: With --key: the fingerprint of the key that is to follow it.
    """
    from dataclasses import replace

    from touchstone.deeds.cases import case_opened
    from touchstone.deeds.known_case import participants_among
    from touchstone.service.cases.agreeing import first_text
    from touchstone.service.cases.opening import default_centre
    from touchstone.service.frameworks import load_framework

    elsewhere = key_elsewhere(key, following, where)
    law = load_framework(framework)
    centre = where.party or default_centre(law)
    roles = _roles(law, name_of("--developer", developer), centre, agency)
    choices = chosen.read()
    if model is not None:
        choices = choices.model_copy(update={"model": line_if("--model", model)})
    text = first_text(law, participants_among(roles), choices)
    new = name_of("--id", name) if name is not None else secrets.token_hex(16)
    with hand_of(replace(where, party=centre)) as hand:
        if elsewhere is not None:
            brought, after = elsewhere
        else:
            home = hand.keys(make=True)
            brought, after = home.signer().public_key.hex(), home.following().fingerprint
        own = hand.installation_key()

        def draft(known: "PartyCase") -> "Deed":
            return case_opened(known, known.by, law, kind, text, own, brought, after)

        done = hand.begin(new, draft, law, roles)
    tell(done, json=where.json)
    if not where.json:
        _show_invited(new, {party: role for party, role in roles.items() if party != centre}, where)
    return DONE


def _show_invited(new: str, others: "dict[str, Role]", where: Where) -> None:
    """Say which case there is now, and who is to be invited next."""
    # A file invites nobody: until its deed is recorded, there is no case to invite to.
    next_ = "Next" if where.to_file is None else "Once it is recorded"
    show(f"Case {new}." if where.to_file is None else f"The case is to be {new}.")
    there = f" --server {where.server}" if where.server is not None else ""
    for party, role in others.items():
        invite = f"touchstone party invite {new} {party} --role {role}"
        show(f"{next_}: {invite} --expects SHA256:...{there}")


@case.command
def export(case: CaseId, *, out: Path = Path(), where: AtServer = ANYWHERE) -> int:
    """Take a party's own edition away: its bundle, which is checked, and its page.

    Whoever leaves a case can still do this.

    For example: touchstone case export case-1 --out held --server https://review.example --as us

    Args:
        out: Folder for both; it is made where it is missing.
    """
    from touchstone.cli import hands_there

    if where.server is None:
        raise BadInputError(
            "--server: name the server; the record of this machine writes editions by: touchstone"
            " review run, touchstone review measure"
        )
    with refusals():
        tell(hands_there.export(where, case, out), json=where.json)
    return DONE


@submission.command(name="hand-in")
def hand_in(case: CaseId, file: Path, *, where: Where = HERE) -> int:
    """Hand a model in, by the developer's key: all parties read the modes, the centre the rest.

    For example: touchstone submission hand-in case-1 SUBMISSION.toml --as example-lab

    Args:
        file: The SUBMISSION.toml.
    """
    from touchstone.deeds.cases import submission_received
    from touchstone.evaluation import load_submission

    handed_in = load_submission(file)

    def draft(known: "PartyCase") -> "Deed":
        # Before anything is signed: the file of another lab, or for another framework, is a slip.
        opened, own = known.state.opened, handed_in.developer.id
        if own != known.by:
            raise BadInputError(f"{file.name}: developer.id is {own}, and {known.by} hands it in")
        if opened is not None and opened.framework.id != handed_in.framework:
            raise BadInputError(
                f"{file.name}: framework is {handed_in.framework}, and the case is held to"
                f" {opened.framework.id}"
            )
        return submission_received(known, known.by, handed_in)

    return act(where, case, draft, role="developer")


@submission.command
def assess(
    case: CaseId,
    *,
    missing: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    where: Where = HERE,
) -> int:
    """Say what the newest submission lacks, by the centre's key: if nothing, it is complete.

    What the framework asks for and is not there, and what the developer says is still to come, is
    found by itself.

    For example: touchstone submission assess case-1 --as example-centre

    Args:
        missing: What else is missing, a line; may be given again.
    """
    from touchstone.deeds.cases import submission_assessed
    from touchstone.review.audience_view import required
    from touchstone.service.cases.agreement import missing as found_missing
    from touchstone.service.file_io import one_line
    from touchstone.verdicts.content_parsers import submission_of

    said = [one_line(line, "--missing") for line in missing]

    def draft(known: "PartyCase") -> "Deed":
        entries = tuple(known.entries_of("submission-received"))
        if not entries:
            raise BadInputError(f"CASE: nothing was handed in in {known.id}, for {known.by} to see")
        handed_in = required(entries[-1], "submission", submission_of)
        lacking = [*found_missing(known.open_framework, handed_in), *said]
        return submission_assessed(known, known.by, handed_in.digest, lacking)

    return act(where, case, draft, role="centre")


def _roles(
    law: "Framework", developer: str, centre: str, agencies: tuple[str, ...]
) -> "dict[str, Role]":
    """Who is to take part. Raises BadInputError."""
    known = [party.id for party in law.parties_with("agency")]
    for number, each in enumerate(agencies):
        if each not in known or each in agencies[:number]:
            named = ", ".join(known) or "none"
            raise BadInputError(f"--agency: {each[:64]!a}: name each once, of {law.id}'s: {named}")
    if developer == centre or developer in agencies or centre in agencies:
        raise BadInputError("--developer: each party has one role in a case: name another party")
    others: dict[str, Role] = dict.fromkeys(agencies, "agency")
    return {developer: "developer", centre: "centre", **others}
