"""A party's keys on its own machine: made, joined with, rotated, lost, and signers in all cases."""

import json
import os
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from support.claims import some_claim
from support.party_homes import Machines, machines
from support.party_server import CASE, FRAMEWORK, Begun, begun, opens
from support.small_case import Minutes
from touchstone.client.errors import UnheardError
from touchstone.deeds.cases import party_invited, party_joined, signer_admitted
from touchstone.deeds.signing import Outgoing
from touchstone.keys import FileSigner, SystemClock
from touchstone.ledger import fingerprint

from .conftest import Command, Sits

LAB, CENTRE, AGENCY = "example-lab", "example-centre", "example-agency"
OTHER = "case-2"
HALT = ("--kind", "review-halted", "--kind", "review-resumed")


@pytest.fixture(scope="module")
def by_hand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Machines, Begun]]:
    """As for other commands, with a second case of the lab and the centre."""
    with machines(tmp_path_factory.mktemp("party")) as found:
        homes = begun(found.here, Minutes(), found.folder)
        opens(homes.centre, FRAMEWORK, OTHER)
        expects = homes.lab.signer.fingerprint
        homes.centre.act(lambda seen: party_invited(seen, CENTRE, LAB, "developer", expects), OTHER)
        key, after = homes.lab.signer.public_key.hex(), homes.lab.following.fingerprint
        homes.lab.act(lambda seen: party_joined(seen, LAB, "developer", key, after), OTHER)
        yield found, homes


@pytest.fixture(scope="module")
def made(by_hand: tuple[Machines, Begun]) -> Machines:
    """The machines alone."""
    return by_hand[0]


@pytest.fixture
def newcomer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine of nobody yet."""
    folder = tmp_path / "newcomer"
    monkeypatch.setenv("TOUCHSTONE_HOME", str(folder))
    return folder


def test_keys_are_made_once_for_their_owner_alone(command: Command, newcomer: Path):
    said = json.loads(command("party", "init", "new-lab", "--json").out)
    files = sorted((newcomer / "parties" / "new-lab").glob("*.pem"))
    assert [file.name for file in files] == ["0.pem", "next-1.pem"]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert newcomer.stat().st_mode & 0o777 == 0o700
    assert said["fingerprint"] == FileSigner.load(files[0]).fingerprint
    assert said["next"] == FileSigner.load(files[1]).fingerprint
    before = [file.read_bytes() for file in files]
    assert "keys are never overwritten" in command("party", "init", "new-lab").refused()
    assert [file.read_bytes() for file in files] == before
    (shown,) = json.loads(command("party", "show", "--json").out)
    assert shown["fingerprint"] == said["fingerprint"]


@pytest.mark.parametrize("name", ["New Lab", "../lab", "", "a" * 65])
def test_what_can_be_no_party_has_no_key(command: Command, newcomer: Path, name: str):
    assert "is no party's id" in command("party", "init", name).refused()
    assert not newcomer.exists()


@pytest.fixture
def passphrase(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Give a passphrase on a descriptor, as an agent without a terminal does."""
    opened: list[int] = []

    def gives(text: str) -> None:
        file = tmp_path / f"secret-{len(opened)}"
        file.write_text(f"{text}\n", "utf-8")
        opened.append(os.open(file, os.O_RDONLY))
        monkeypatch.setenv("TOUCHSTONE_PASSPHRASE_FD", str(opened[-1]))

    yield gives
    for each in opened:
        os.close(each)


def test_encrypted_keys_open_by_their_passphrase_alone(
    command: Command,
    newcomer: Path,
    passphrase: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
):
    passphrase("a long passphrase")
    made = command("party", "init", "new-lab", "--passphrase")
    assert made.code == 0
    assert f"Both are in {newcomer / 'parties' / 'new-lab'}: keep next-1.pem" in made.out
    for file in (newcomer / "parties" / "new-lab").glob("*.pem"):
        assert file.read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    assert command("party", "show").code == 0
    passphrase("another passphrase")
    assert "the passphrase does not open it" in command("party", "show").refused()
    monkeypatch.setenv("TOUCHSTONE_PASSPHRASE_FD", "999")
    assert "is no open descriptor" in command("party", "show").refused()
    monkeypatch.delenv("TOUCHSTONE_PASSPHRASE_FD")
    assert "there is no terminal to type its passphrase on" in command("party", "show").refused()


def test_a_short_passphrase_makes_no_key(
    command: Command, newcomer: Path, passphrase: Callable[[str], None]
):
    passphrase("short")
    assert "at least 12" in command("party", "init", "new-lab", "--passphrase").refused()
    assert not newcomer.exists()


def test_an_invited_party_joins_by_its_own_key(
    made: Machines,
    command: Command,
    at: Sits,
    by_server: tuple[str, ...],
    newcomer: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    own = json.loads(command("party", "init", "example-auditor", "--json").out)["fingerprint"]
    at(CENTRE)
    words = ("party", "invite", CASE, "example-auditor", "--role", "auditor", "--expects", own)
    assert command(*words, *by_server, "--yes").code == 0
    # Where it joins otherwise it is told how it is invited.
    join, before = ("party", "join", CASE, *by_server, "--yes"), made.events()
    monkeypatch.setenv("TOUCHSTONE_HOME", str(newcomer))
    line = command(*join, "--role", "trusted-partner").refused(1)
    told = f"'example-auditor' is invited as auditor with the key {own}, and joins as"
    assert f"{told} trusted-partner with {own}; join as invited, or the developer" in line
    monkeypatch.setenv("TOUCHSTONE_HOME", str(tmp_path / "another"))
    other = json.loads(command("party", "init", "example-auditor", "--json").out)["fingerprint"]
    line = command(*join, "--role", "auditor").refused(1)
    assert f"{told} auditor with {other}; join as invited, or the developer" in line
    assert made.events() == before

    monkeypatch.setenv("TOUCHSTONE_HOME", str(newcomer))
    said = command(*join, "--role", "auditor")
    assert said.code == 0, said.err
    party = made.here.state(CASE).parties["example-auditor"]
    assert party.role == "auditor"
    assert party.key == FileSigner.load(newcomer / "parties/example-auditor/0.pem").public_key.hex()


def test_who_was_not_invited_does_not_join(
    made: Machines, command: Command, by_server: tuple[str, ...], newcomer: Path
):
    command("party", "init", "example-stranger")
    before = made.events()
    said = command("party", "join", CASE, "--role", "auditor", *by_server, "--yes")
    assert said.code != 0
    assert made.events() == before
    assert newcomer.exists()


def signer_of(command: Command, home: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """The key of a further machine of the lab's: its claim and its fingerprint."""
    monkeypatch.setenv("TOUCHSTONE_HOME", str(home))
    said = json.loads(command("party", "init", LAB, "--signer", "--json").out)
    assert "next" not in said
    return said["claim"], said["fingerprint"]


def test_a_signer_is_admitted_in_all_cases_and_removed_at_once_in_all(
    made: Machines,
    command: Command,
    at: Sits,
    by_server: tuple[str, ...],
    newcomer: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    key, own = signer_of(command, newcomer, monkeypatch)
    at(LAB)
    admit = ("party", "signers", "admit", key, "--label", "desk", *HALT, *by_server, "--yes")
    said = command(*admit, "--json")
    assert set(json.loads(said.out)["entries"]) == {CASE, OTHER}
    assert "(2 of 2)" in said.err
    for case in (CASE, OTHER):
        act = made.here.state(case).parties[LAB].signers[own]
        assert act.kinds == ("review-halted", "review-resumed")
    assert json.loads(command(*admit, "--json").out) == {"entries": {}, "stood": [CASE, OTHER]}
    shown = json.loads(command("party", "signers", "show", *by_server, "--json").out)
    assert [row["signers"][0]["label"] for row in shown] == ["desk", "desk"]

    # What it may sign it signs, from its own machine; nothing else.
    monkeypatch.setenv("TOUCHSTONE_HOME", str(newcomer))
    note = ("participation", "set", CASE, "negotiating", "--source", "A letter.")
    before = len(made.events())
    assert command(*note, *by_server, "--yes").code != 0
    assert len(made.events()) == before

    at(LAB)
    gone = command("party", "signers", "remove", "desk", *by_server, "--yes", "--json")
    assert set(json.loads(gone.out)["entries"]) == {CASE, OTHER}
    assert all(own not in made.here.state(case).parties[LAB].signers for case in (CASE, OTHER))


def test_a_label_means_one_key_and_one_that_means_none_is_told(
    by_hand: tuple[Machines, Begun],
    command: Command,
    at: Sits,
    by_server: tuple[str, ...],
    newcomer: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    made, homes = by_hand
    key, own = signer_of(command, newcomer, monkeypatch)
    at(LAB)
    signers, where = ("party", "signers"), ("--case", CASE, *by_server, "--yes")
    assert command(*signers, "admit", key, "--label", "bench", *HALT, *where).code == 0
    before = len(made.events())
    said = command(*signers, "admit", some_claim(LAB), "--label", "bench", *HALT, *where).refused()
    assert f"--label: bench is what the party calls {own} in {CASE}" in said
    said = command(*signers, "remove", "bensh", *where).refused()
    assert "KEY: no further key is called bensh; these sign now: bench" in said
    assert len(made.events()) == before
    # The law lets two keys have one label: both end, or one that is named by its fingerprint.
    twin = FileSigner.create(newcomer / "twin.pem").public_key.hex()
    homes.lab.act(lambda seen: signer_admitted(seen, LAB, twin, HALT[1::2], "bench"))
    file = newcomer / "removal.deed"
    drafted = command(*signers, "remove", "bench", *where, "--to-file", file).refused()
    assert "these are 2 deeds; name one key by its fingerprint" in drafted
    assert command(*signers, "remove", "bench", *where).code == 0
    assert not made.here.state(CASE).parties[LAB].signers
    again = command(*signers, "remove", "bench", *where, "--json")
    assert json.loads(again.out) == {"entries": {}, "stood": [CASE]}


def test_a_further_key_is_asked_to_sign_no_more_than_it_may(
    made: Machines,
    command: Command,
    at: Sits,
    by_server: tuple[str, ...],
    newcomer: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    key, own = signer_of(command, newcomer, monkeypatch)
    at(LAB)
    only = ("--kind", "participation-noted", "--case", CASE, *by_server, "--yes")
    assert command("party", "signers", "admit", key, "--label", "narrow", *only).code == 0
    monkeypatch.setenv("TOUCHSTONE_HOME", str(newcomer))
    before = len(made.events())
    halts = ("review", "halt", CASE, "--reason", "A leak.", *by_server, "--as", LAB)
    # Without --yes: it is not even asked whether it is to be signed.
    said = command(*halts).refused()
    assert f"{own}: may not sign review-halted for {LAB}; nothing was signed; these may: " in said
    assert command("deed", "waiting", "--as", LAB).out == "No deed waits for an answer.\n"
    assert len(made.events()) == before


def test_what_a_crash_left_half_done_the_same_command_goes_on_with(
    made: Machines,
    command: Command,
    at: Sits,
    by_server: tuple[str, ...],
    newcomer: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    key, own = signer_of(command, newcomer, monkeypatch)
    at(LAB)
    server, send = made.server(LAB), made.server(LAB).send

    def once(case: str, deed: Outgoing) -> bytes:
        if case == OTHER:
            raise UnheardError("the line is dead")
        return send(case, deed)

    monkeypatch.setattr(server, "send", once)
    admit = ("party", "signers", "admit", key, "--label", "phone", *HALT, *by_server, "--yes")
    said = command(*admit)
    assert said.code == 1
    assert "done in 1, stood in 0 of 2 cases; not in case-2" in said.err
    monkeypatch.setattr(server, "send", send)
    assert command(*admit).code == 0
    assert all(own in made.here.state(case).parties[LAB].signers for case in (CASE, OTHER))
    assert command("party", "signers", "remove", own, *by_server, "--yes").code == 0


def test_all_cases_are_named_before_anything_is_signed(
    made: Machines, command: Command, at: Sits, by_server: tuple[str, ...]
):
    at(LAB)
    before = made.events(), made.events(OTHER)
    words = ("party", "signers", "admit", some_claim(LAB), "--label", "desk", *HALT)
    said = command(*words, *by_server)
    assert said.code == 1
    assert f"in 2 cases:\n  {CASE}\n  {OTHER}\n" in said.err
    assert (made.events(), made.events(OTHER)) == before


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("admit", "xyz", "--label", "desk", *HALT), "CLAIM: write what touchstone party init"),
        (("admit", "ab" * 32, "--label", "desk", *HALT), "CLAIM: write what touchstone party init"),
        (
            ("admit", some_claim(CENTRE), "--label", "desk", *HALT),
            "CLAIM: does not show that its key is to sign for example-lab",
        ),
        (
            ("admit", "ab" * 32 + some_claim(LAB)[64:], "--label", "desk", *HALT),
            "CLAIM: does not show that its key is to sign for example-lab",
        ),
        (("admit", some_claim(LAB), "--label", "a desk", *HALT), "--label: write an id"),
        (("admit", some_claim(LAB), "--label", "desk", "--kind", "dancing"), "is no type of deed"),
        (("remove", "a desk"), "KEY: write an id"),
    ],
)
def test_bad_words_sign_nothing(
    made: Machines,
    command: Command,
    at: Sits,
    by_server: tuple[str, ...],
    words: tuple[str, ...],
    told: str,
):
    at(LAB)
    before = made.events()
    assert told in command("party", "signers", *words, *by_server, "--yes").refused()
    assert made.events() == before


def test_a_key_is_rotated_in_all_cases_and_a_crash_is_gone_on_with(
    made: Machines,
    command: Command,
    at: Sits,
    by_server: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
):
    at(LAB)
    own = made.home(LAB) / "parties" / LAB
    before = FileSigner.load(own / "0.pem").public_key.hex()
    after = FileSigner.load(own / "next-1.pem").public_key.hex()
    said = command("party", "rotate", *by_server)
    assert said.code == 1
    assert (own / "next-1.pem").exists(), "nothing is replaced that nobody confirmed"

    server, send = made.server(LAB), made.server(LAB).send

    def once(case: str, deed: Outgoing) -> bytes:
        if case == OTHER:
            raise UnheardError("the line is dead")
        return send(case, deed)

    monkeypatch.setattr(server, "send", once)
    assert "not in case-2" in command("party", "rotate", *by_server, "--yes").err
    # One case has the new key, and the other has the old one and expects the new one still.
    shown = command("party", "show", *by_server)
    new, old = (fingerprint(bytes.fromhex(each)) for each in (after, before))
    third = FileSigner.load(own / "next-2.pem").fingerprint
    assert f"in case {CASE}: {new}, and then {third}\n  in case {OTHER}: {old}, and then {new}" in (
        shown.out
    )
    assert shown.out.count("not the key here") == 1
    (told,) = json.loads(command("party", "show", *by_server, "--json").out)
    assert [each["key"] for each in told["cases"]] == [new, old]
    monkeypatch.setattr(server, "send", send)
    rotated = command("party", "rotate", *by_server, "--yes", "--json")
    announced = FileSigner.load(own / "next-2.pem").fingerprint
    assert json.loads(rotated.out)["next"] == announced
    assert json.loads(command("party", "show", "--as", LAB, "--json").out)[0]["next"] == announced
    assert f"follow it: {announced}" in command("party", "show", "--as", LAB).out
    for case in (CASE, OTHER):
        party = made.here.state(case).parties[LAB]
        assert (party.key, party.next) == (after, announced)
    note = ("participation", "set", CASE, "participating", "--source", "A letter.")
    assert command(*note, *by_server, "--yes").code == 0


def test_without_the_key_that_is_to_follow_nothing_is_rotated(
    made: Machines, command: Command, at: Sits, by_server: tuple[str, ...]
):
    at(AGENCY)
    announced = made.home(AGENCY) / "parties" / AGENCY / "next-1.pem"
    away = announced.rename(announced.with_suffix(".away"))
    before = made.events()
    assert json.loads(command("party", "show", "--json").out)[0]["next"] is None
    line = command("party", "rotate", *by_server, "--yes").refused()
    assert "there is no such key file" in line
    assert not announced.exists()
    away.rename(announced)
    assert made.events() == before


class Shifted:
    """The clock of this machine, days ahead."""

    ahead = timedelta()

    def now(self) -> datetime:
        """The present moment there."""
        return SystemClock().now() + Shifted.ahead


def test_a_party_that_lost_its_keys_goes_on_by_two_others_word(
    made: Machines,
    command: Command,
    at: Sits,
    by_server: tuple[str, ...],
    newcomer: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(Shifted, "ahead", timedelta())
    monkeypatch.setattr(made.here, "clock", Shifted())
    monkeypatch.setattr("touchstone.client.acting.SystemClock", Shifted)
    new = json.loads(command("party", "init", AGENCY, "--json").out)["fingerprint"]
    word = ("party", "reinvite", CASE, AGENCY, "--expects", new)

    at(LAB)
    assert command(*word, *by_server, "--yes").code == 0
    at(AGENCY)
    assert command("party", "object", CASE, *by_server, "--yes").code == 0
    assert not made.here.state(CASE).reinvitations.get(AGENCY)
    for each in (LAB, CENTRE):
        at(each)
        assert command(*word, *by_server, "--yes").code == 0

    monkeypatch.setenv("TOUCHSTONE_HOME", str(newcomer))
    rejoin = ("party", "rejoin", CASE, "--stands-by", "none", *by_server, "--yes")
    assert "may-still-object" in command(*rejoin).refused(1)
    monkeypatch.setattr(Shifted, "ahead", timedelta(hours=73))
    said = command(*rejoin)
    assert said.code == 0, said.err
    party = made.here.state(CASE).parties[AGENCY]
    assert party.key == FileSigner.load(newcomer / "parties" / AGENCY / "0.pem").public_key.hex()
