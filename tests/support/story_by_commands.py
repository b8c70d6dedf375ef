"""A review from the clock to its close by commands alone, each party on its own machine."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from support.june import Said
from support.party_homes import URL, Machines, machines
from support.party_server import CASE, Roles
from support.small_case import SUBMISSION
from touchstone.cli.app import run
from touchstone.deeds.cases import submission_assessed, submission_received
from touchstone.evaluation import load_submission
from touchstone.evaluation.oversight import Probe

LAB, CENTRE, AGENCY = "example-lab", "example-centre", "example-agency"
TREASURY, EVALUATOR, INSTITUTE = "example-treasury", "example-evaluator", "example-institute"
MORE: Roles = (
    (TREASURY, "agency"),
    (EVALUATOR, "independent-evaluator"),
    (INSTITUTE, "co-evaluator"),
)


@dataclass
class Hands:
    """Every party's command line."""

    made: Machines

    def at(self, party: str, *words: str | Path, yes: bool = True) -> Said:
        """What a command says on a party's machine, by the server."""
        options = ["--server", URL, "--trust", self.made.pinned, *(["--yes"] if yes else [])]
        return self.typed(self.made.home(party), *words, *options)

    def typed(self, home: Path, *words: str | Path) -> Said:
        """What a command says in a home."""
        out, err = StringIO(), StringIO()
        before = os.environ.get("TOUCHSTONE_HOME")
        os.environ["TOUCHSTONE_HOME"] = str(home)
        try:
            with redirect_stdout(out), redirect_stderr(err):
                code = run([str(word) for word in words])
        finally:
            os.environ.pop("TOUCHSTONE_HOME")
            if before is not None:
                os.environ["TOUCHSTONE_HOME"] = before
        return Said(code, out.getvalue(), err.getvalue())

    def does(self, party: str, noun: str, verb: str, *words: str | Path) -> None:
        """Do a deed by a command, which must succeed."""
        said = self.at(party, noun, verb, CASE, *words)
        assert said.code == 0, (noun, verb, said.err)

    def shows(self, party: str, noun: str, *words: str) -> Any:
        """What a question answers, as JSON."""
        said = self.at(party, noun, "show", CASE, *words, "--json", yes=False)
        assert said.code == 0, said.err
        return said.json


@contextmanager
def hands(folder: Path) -> Iterator[Hands]:
    """Six machines with a case in which a model was handed in and found complete."""
    with machines(folder, MORE) as made, pytest.MonkeyPatch.context() as patch:
        for name in ("TOUCHSTONE_DATABASE", "TOUCHSTONE_DATABASE_OWNER"):
            patch.delenv(name, raising=False)
        patch.setenv("EXAMPLE_LAB_KEY", "an-invented-key")
        lab, centre, *_ = made.parties
        path = folder / "SUBMISSION.toml"
        path.write_text(SUBMISSION.format(framework="example"), "utf-8")
        handed_in = load_submission(path)
        lab.act(lambda seen: submission_received(seen, LAB, handed_in))
        centre.act(lambda seen: submission_assessed(seen, CENTRE, handed_in.digest, ()))
        yield Hands(made)


def answers(names: Mapping[str, str]) -> Callable[..., dict[str, Probe]]:
    """In the place of asking endpoints: what each mode calls itself."""

    def asked(
        _submission: object, _variant: str, at: str, _keys: object = None
    ) -> dict[str, Probe]:
        return {
            mode: Probe(
                when="after",
                at=at,
                endpoint="sha256:" + "0" * 64,
                models=(name,),
                fingerprints=(),
                behaviour="sha256:" + "0" * 64,
            )
            for mode, name in names.items()
        }

    return asked
