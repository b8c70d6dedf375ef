"""What a centre decides from its own machine, and its server then does: an edition, an end."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.party_homes import Machines, machines
from support.party_server import CASE, OneParty
from touchstone.clearance import party_audience
from touchstone.evaluation.digests import digest_bytes
from touchstone.ledger import dumps
from touchstone.ledger.errors import UnpromisedError
from touchstone.service.cases.drafting import drafted_certificate, drafted_edition
from touchstone.service.reporting.edition_files import page_for

from .conftest import Command, Sits

LAB, CENTRE, AGENCY = "example-lab", "example-centre", "example-agency"
WHY = "The agreed time is over."
Changes = Callable[[dict[str, Any]], dict[str, Any]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    with machines(tmp_path_factory.mktemp("carried")) as found:
        yield found


def test_an_edition_is_issued_by_the_centres_own_key(
    made: Machines, command: Command, at: Sits, by_server: tuple[str, ...], tmp_path: Path
):
    at(CENTRE)
    typed = ("review", "issue", CASE, "--audience", AGENCY)
    done = command(*typed, *by_server, "--yes", "--json")
    assert done.code == 0, done.err
    n = json.loads(done.out)["entry"]
    issued = made.here.state(CASE).reports[AGENCY]
    assert (issued.edition, issued.actor) == (1, CENTRE)
    # The page is made again from the record: what was signed is what the audience is given.
    reader, to = made.here.records.case(CASE, n), party_audience(AGENCY, "GREEN")
    page = page_for(made.here, reader, to, issued.at, "framework")
    assert digest_bytes(page) == issued.report
    # The next one goes by a file.
    file = tmp_path / "edition.deed"
    assert command(*typed, *by_server, "--to-file", file).code == 0
    assert command("deed", "sign", file, "--yes").code == 0
    assert command("deed", "send", file, *by_server).code == 0
    assert made.here.state(CASE).reports[AGENCY].edition == 2
    nobody = command("review", "issue", CASE, "--audience", "a-stranger", *by_server, "--yes")
    assert "the editions of this case are for: example-lab" in nobody.refused()


@pytest.mark.parametrize(
    "typed",
    [("review", "issue", CASE, "--audience", LAB), ("review", "destroy", CASE, "--reason", WHY)],
    ids=["issue", "destroy"],
)
def test_nothing_is_drafted_for_who_is_not_the_centre(
    made: Machines,
    command: Command,
    at: Sits,
    by_server: tuple[str, ...],
    tmp_path: Path,
    typed: tuple[str, ...],
):
    size = len(made.events())
    for party in (LAB, AGENCY):
        at(party)
        out = ("--out", str(tmp_path)) if "destroy" in typed else ()
        said = command(*typed, *out, *by_server, "--yes")
        assert f"{party} is not the centre: it signs for this" in said.refused(1)
        # Whoever asks all the same is told what is told of a case that is not there.
        for drafts in (drafted_certificate, drafted_edition):
            with pytest.raises(UnpromisedError) as own:
                drafts(made.here, CASE, party, LAB)
            with pytest.raises(UnpromisedError) as none:
                drafts(made.here, "no-case", party, LAB)
            assert own.value.args == none.value.args
    assert (len(made.events()), list(tmp_path.iterdir())) == (size, [])


FORGED: dict[str, Changes] = {
    "another head": lambda told: told | {"size": told["size"] - 1},
    "another reason": lambda told: told | {"reason": "Something else."},
    "no signature": lambda told: told | {"signature": "00" * 64},
    "another form": lambda told: told | {"certificate": "touchstone/destruction/9"},
}


@pytest.mark.parametrize("how", FORGED)
def test_a_centre_signs_for_no_certificate_that_it_did_not_ask_for(
    made: Machines,
    command: Command,
    at: Sits,
    by_server: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    how: str,
):
    honest = OneParty.draft_destruction
    monkeypatch.setattr(
        OneParty, "draft_destruction", lambda self, *asked: FORGED[how](honest(self, *asked))
    )
    at(CENTRE)
    size = len(made.events())
    typed = ("review", "destroy", CASE, "--reason", WHY, "--out", str(tmp_path))
    assert "the certificate" in command(*typed, *by_server, "--yes").refused()
    assert (len(made.events()), list(tmp_path.iterdir())) == (size, [])


def test_a_case_is_destroyed_by_the_centres_deed_and_the_servers_hand(
    made: Machines, command: Command, at: Sits, by_server: tuple[str, ...], tmp_path: Path
):
    at(CENTRE)
    typed = ("review", "destroy", CASE, "--reason", WHY, "--out", str(tmp_path))
    early = command(*typed, *by_server, "--yes")
    assert (early.code, list(tmp_path.iterdir())) == (1, [])
    assert "the case is open" in early.err
    assert command("review", "close", CASE, "--reason", WHY, *by_server, "--yes").code == 0
    done = command(*typed, *by_server, "--yes")
    assert done.code == 0, done.err
    (path,) = tmp_path.iterdir()
    certificate = json.loads(path.read_bytes())
    assert certificate["reason"] == WHY
    records, destroyed = made.here.records, made.here.state(CASE).destroyed
    assert destroyed is not None
    assert destroyed.certificate == digest_bytes(dumps(certificate))
    assert records.case(CASE).destroyed
    # What lay on the disk is gone with the answer: nobody has to type anything at the server.
    assert records.destructions.unfinished() == []
    assert records.destructions.certificate(CASE) == dumps(certificate).decode()
    with pytest.raises(Exception, match="destroyed"):
        drafted_edition(made.here, CASE, CENTRE, LAB)
