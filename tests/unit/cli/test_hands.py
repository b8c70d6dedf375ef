"""A deed is done here, by a server or in a file: the same entry, by the party's own key."""

import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.party_homes import SERVER, URL, Machines
from support.party_server import CASE
from support.small_case import SUBMISSION
from touchstone.cli import release
from touchstone.cli.hands import NotDoneError, Where, hand_of
from touchstone.client.party_case import PartyCase
from touchstone.deeds.cases import participation_noted
from touchstone.deeds.deed import Deed
from touchstone.evaluation import load_submission
from touchstone.evaluation.oversight import Probe
from touchstone.ledger.contract2 import parse_deed_part, parse_statement_envelope
from touchstone.records.endpointkeys import HandedInKey
from touchstone.service.reviews import comparing
from touchstone.service.reviews.requirements import HandedIn

from .conftest import Command, Sits

LAB, CENTRE, AGENCY = "example-lab", "example-centre", "example-agency"
SAYS = ("participation", "set", CASE, "participating", "--source", "Letter of 3 June.")


def entry(made: Machines, n: int, number: str) -> tuple[str, str]:
    """What an entry says, without what differs each time, and the key that signed it."""
    texts, key = list[str](), ""
    for part in made.here.records.case(CASE).entry_parts(n):
        value = {} if part.data is None else json.loads(part.data)
        if value.get("kind") == "deed":
            key = parse_statement_envelope(
                parse_deed_part(part.data or b"")["envelope"]
            ).statement.key
            break
        content = value.get("content", value)
        # Of words with a salt the digest differs, which is in the facts.
        alike = {"at": "", "salt": "", "source": "", "question": "", "reasons": "", "agreement": ""}
        texts.append(json.dumps({**content, **{k: v for k, v in alike.items() if k in content}}))
    return "\n".join(texts).replace(number, "N"), key


@pytest.fixture
def beside(made: Machines) -> Iterator[None]:
    """The operator has all parties' keys beside the record, as on one machine for all."""
    folder = made.folder / "server" / "keys" / "parties"
    for party in (LAB, CENTRE, AGENCY):
        shutil.copytree(
            made.home(party) / "parties" / party,
            folder / party,
            ignore=shutil.ignore_patterns("servers"),
        )
    folder.chmod(0o700)
    yield
    shutil.rmtree(folder)


ASK = ("inquiry", "ask", CASE, "q-N", "--question", "Would it?", "--release-state", "internal")
ANSWER = ("inquiry", "answer", CASE, "q-N", "--answer", "cannot-say", "--reasons", "Too early.")
EACH = (
    (LAB, SAYS),
    (LAB, ASK),
    (AGENCY, ANSWER),
    (CENTRE, ("party", "invite", CASE, "auditor-N", "--role", "auditor")),
    (LAB, ("agreement", "offer", CASE, "--retention-days", "N")),
    (CENTRE, ("agreement", "sign", CASE)),
    (AGENCY, ("party", "reinvite", CASE, LAB, "--expects", "SHA256:" + "f" * 62 + "N")),
    (LAB, ("party", "object", CASE)),
)
"""A deed and whose it is; N is another number each time."""


@pytest.mark.usefixtures("beside")
def test_the_same_deeds_stand_whichever_hand_did_them(
    made: Machines, command: Command, at: Sits, by_server: tuple[str, ...], tmp_path: Path
):
    found = []
    for number, hand in (("71", "here"), ("72", "server"), ("73", "file")):
        entries = list[tuple[str, str]]()
        for party, words in EACH:
            typed = [word.replace("N", number) for word in words]
            at(SERVER if hand == "here" else party)
            file = tmp_path / f"{len(entries)}.deed"
            where = ("--as", party) if hand == "here" else by_server
            doing = ("--to-file", file) if hand == "file" else ("--yes",)
            said = command(*typed, *where, *doing, "--json")
            if hand == "file":
                assert command("deed", "sign", file, "--yes").code == 0
                said = command("deed", "send", file, *by_server, "--json")
            assert said.code == 0, (typed, said.err)
            entries.append(entry(made, json.loads(said.out)["entry"], number))
        found.append(entries)
    assert found[0] == found[1] == found[2]
    keys = {party: made.key(party).fingerprint for party in (LAB, CENTRE, AGENCY)}
    assert [key for _, key in found[0]] == [keys[party] for party, _ in EACH]


def test_what_binds_is_shown_and_nothing_is_signed_unasked(
    made: Machines, command: Command, at: Sits, by_server: tuple[str, ...]
):
    at(LAB)
    before = len(made.events())
    said = command(*SAYS, *by_server)
    assert said.code == 1
    assert "nothing was signed: this asks on a terminal" in said.err
    assert "States that it is participating under the framework." in said.err
    assert "It says: Letter of 3 June." in said.err
    assert "To be read by example-agency, example-centre." in said.err
    assert len(made.events()) == before


@pytest.mark.parametrize(("typed", "stands"), [("y\n", True), ("n\n", False), ("", False)])
def test_on_a_terminal_it_asks(
    made: Machines,
    command: Command,
    at: Sits,
    by_server: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    typed: str,
    stands: bool,
):
    at(LAB)
    terminal = io.StringIO(typed)
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", terminal)
    before = len(made.events())
    said = command(*SAYS, *by_server)
    assert "Sign this as example-lab? [y/N]" in said.err
    assert said.code == (0 if stands else 1)
    assert len(made.events()) == before + stands


def test_what_the_law_refuses_is_neither_signed_nor_sent(
    made: Machines, command: Command, at: Sits, by_server: tuple[str, ...]
):
    at(LAB)
    before = len(made.server(LAB).sent)
    words = ("inquiry", "answer", CASE, "first", "--answer", "cannot-say", "--reasons", "Why.")
    line = command(*words, *by_server, "--yes").refused(1)
    assert "refused (" in line
    assert "nothing was signed" in line
    assert len(made.server(LAB).sent) == before


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--trust", "SHA256:" + "0" * 64), "--trust: says whom a server is believed to be"),
        (("--server", "ftp://x"), "is no server's address"),
        (("--server", "http://127.0.0.1:7778"), "is not known here"),
        (
            ("--server", "http://127.0.0.1:7778", "--trust", "abc"),
            "--trust: write a key's fingerprint",
        ),
        (("--server", URL, "--as", "example-centre"), "has no key of that party"),
        (("--server", URL, "--as", "../x"), "--as: write an id"),
    ],
)
def test_bad_options_write_nothing(
    made: Machines, command: Command, at: Sits, options: tuple[str, ...], told: str
):
    at(LAB)
    before = sorted(made.home(LAB).rglob("*"))
    assert told in command(*SAYS, *options, "--yes").refused(2)
    assert sorted(made.home(LAB).rglob("*")) == before


def test_a_fingerprint_that_was_typed_wrong_does_not_stay(
    made: Machines, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    shutil.copytree(made.home(LAB), tmp_path / "anew", ignore=shutil.ignore_patterns("servers"))
    monkeypatch.setenv("TOUCHSTONE_HOME", str(tmp_path / "anew"))
    (tmp_path / "anew").chmod(0o700)
    before = sorted((tmp_path / "anew").rglob("*"))
    wrong = ("--server", URL, "--trust", "SHA256:" + "0" * 64)
    assert "is pinned: ask its operator" in command(*SAYS, *wrong, "--yes").refused()
    assert sorted((tmp_path / "anew").rglob("*")) == before
    assert command(*SAYS, "--server", URL, "--trust", made.pinned, "--yes").code == 0


@pytest.mark.usefixtures("beside")
def test_what_moved_since_it_was_shown_is_not_signed_here(made: Machines, at: Sits):
    """Another one speaks between the preview and the signature."""
    at(SERVER)

    def meanwhile(known: PartyCase) -> Deed:
        with hand_of(Where(party=LAB, yes=True)) as other:
            other.act(CASE, lambda seen: participation_noted(seen, LAB, "declined", "First."))
        return participation_noted(known, LAB, "participating", "A letter.")

    before = len(made.events())
    with (
        pytest.raises(NotDoneError) as refused,
        hand_of(Where(party=LAB, yes=True)) as hand,
    ):
        hand.act(CASE, meanwhile)
    assert refused.value.code == "topic-moved"
    assert len(made.events()) == before + 1


def test_another_fingerprint_than_the_pinned_one_is_refused(
    command: Command, at: Sits, by_server: tuple[str, ...]
):
    at(LAB)
    assert command(*SAYS, *by_server, "--yes").code == 0
    other = ("--server", URL, "--trust", "SHA256:" + "0" * 64)
    assert "is pinned" in command(*SAYS, *other, "--yes").refused(2)


@pytest.mark.usefixtures("beside")
def test_what_was_released_is_asked_with_the_key_that_its_lab_handed_in(
    made: Machines,
    command: Command,
    at: Sits,
    by_server: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    file, name = tmp_path / "SUBMISSION.toml", "EXAMPLE_LAB_KEY"
    file.write_text(SUBMISSION.format(framework="example"), "utf-8")
    monkeypatch.setattr(release, "_handed_in", lambda _: load_submission(file))
    made.here.records.endpoint_keys.hand_in(
        HandedInKey(name, CASE, "of-the-lab", by="ann", at=made.here.now())
    )
    told: list[HandedInKey | None] = []

    def asked(_file: object, _variant: str, _at: str, keys: HandedIn) -> dict[str, Probe]:
        told.append(keys(name))
        return {}

    monkeypatch.setattr(comparing, "ask_released", asked)
    at(LAB)
    announced = ("--scope", "public", "--variant", "final", "--yes")
    assert command("release", "announce", CASE, *announced, *by_server).code == 0
    for home, where in ((SERVER, ("--as", CENTRE)), (CENTRE, by_server)):
        at(home)
        said = command("release", "compare", CASE, "--variant", "final", "--yes", *where)
        assert said.code == 0, said.err
    # A server gives none out, whoever asks.
    assert [each and each.value for each in told] == ["of-the-lab", None]
