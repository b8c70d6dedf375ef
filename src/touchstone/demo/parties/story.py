"""One review from its opening to its close by seven machines, and a second one that is left.

The server's machine holds the installation's key and a key of the centre for measuring. Each
party's key is on that party's machine alone; at the end the server's disk is searched for them.
"""

import time
from base64 import b64decode
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from touchstone.demo.errors import DemoError
from touchstone.demo.parties.machines import (
    NOTHING,
    Typing,
    Workstation,
    listens,
    typed_apart,
    unused_port,
)
from touchstone.demo.story import DAYS_TO_RELEASE, KEY, SUBMISSION, unused
from touchstone.editions.sentences import sentence
from touchstone.evaluation.controls.launch import Subject, start_subject
from touchstone.keys import SystemClock
from touchstone.verdicts.run_progress import Observer

ITEMS = 2
CASE, LEFT = "model-3", "model-4"
LAB, CENTRE, AGENCY = "example-lab", "example-centre", "example-agency"
TREASURY, EVALUATOR, AUDITOR = "example-treasury", "example-evaluator", "example-auditor"
ROLES: Mapping[str, str] = {
    LAB: "developer",
    CENTRE: "centre",
    AGENCY: "agency",
    TREASURY: "agency",
    EVALUATOR: "independent-evaluator",
    AUDITOR: "auditor",
}
KINDS = (
    "battery-sealed",
    "measuring-stopped",
    "outcomes-recorded",
    "review-halted",
    "sandbox-breached",
    "snapshot-changed",
    "snapshot-seen",
    "transcripts-graded",
    "transcripts-scanned",
    "verdict-reached",
    "finding-signed",
)
OUTSIDE = "outside-1"
_SECRET = 32
"""Bytes of a private key, the last of its DER."""


@dataclass(frozen=True)
class PartiesResult:
    """What the demo left, in lines for people."""

    lines: tuple[str, ...]


@dataclass(frozen=True)
class World:
    """All machines, and how they reach the server."""

    out: Path
    server: Workstation
    parties: Mapping[str, Workstation]
    url: str
    fingerprint: str
    keys: Mapping[str, str]
    """By party, its key's fingerprint, as each told the others."""

    def does(self, party: str, command: str, *words: str | Path) -> Any:
        """A party does something by the server, with its own key."""
        return self.asks(party, command, *words, "--yes")

    def asks(self, party: str, command: str, *words: str | Path) -> Any:
        """A party asks something of the server."""
        reach = ("--server", self.url, "--as", party)
        return self.parties[party].types(*command.split(), *words, *reach)


def run_parties(
    out: Path,
    observer: Observer,
    typing: Typing = typed_apart,
    settings: Mapping[str, str] = NOTHING,
    processes: int = 1,
) -> PartiesResult:
    """Run the invented case in a folder that is new, with a home for each machine.

    Args:
        out: Folder for the homes, and for what each party holds in the end. Where it is there, its
            name gets the next number.
        observer: Is told what is typed, and by whom.
        typing: How commands are run.
        settings: Variables of the server's environment, as those that name its database.
        processes: How many answer there; more than one needs PostgreSQL.

    Raises:
        DemoError: something did not go as it should.
    """
    began = time.monotonic()
    out = unused(out)
    out.mkdir(parents=True)
    with (
        start_subject(["control-solver", "control-counter"]) as subject,
        _world(out, observer, typing, settings, processes) as world,
    ):
        _open(world)
        _hand_in(world, subject)
        _measure(world, subject)
        _judge(world)
        _release(world)
        _leave_another(world)
        held = _take_away(world)
        search(world)
    seconds = round(time.monotonic() - began)
    return PartiesResult(
        (
            sentence("parties.done", seconds=seconds),
            *(sentence("parties.held", party=party, bundle=str(path)) for party, path in held),
            sentence("parties.searched", home=str(world.server.home)),
        )
    )


@contextmanager
def _world(
    out: Path, observer: Observer, typing: Typing, settings: Mapping[str, str], processes: int
) -> Iterator[World]:
    """The server and all machines, each of which was let in by a code that was used once."""

    def tell(party: str, command: str) -> None:
        observer.step(sentence("parties.types", party=party, command=command))

    server = Workstation("server", out / "server", tell, typing, settings)
    parties = {party: Workstation(party, out / party, tell, typing) for party in ROLES}
    fingerprint = server.types("keys", "show")["keys"][0]["fingerprint"]
    codes = {
        party: server.types(
            "accounts", "invite", f"Somebody of {party}", "--of", party, "--role", "lead"
        )["code"]
        for party in ROLES
    }
    with ExitStack() as stack:
        witness = stack.enter_context(_witness(parties[AUDITOR], server))
        port = unused_port()
        url = f"http://127.0.0.1:{port}"
        serving = ("serve", "--port", str(port), "--processes", str(processes))
        stack.enter_context(server.runs(*serving, ready=lambda: listens(port)))
        keys = {}
        for party, machine in parties.items():
            keys[party] = machine.types("party", "init", party)["fingerprint"]
            machine.types(
                *("server", "join", url, "--fingerprint", fingerprint, "--as", party),
                stdin=codes[party],
            )
        (out / "policy").write_text(witness, "utf-8")
        yield World(out, server, parties, url, fingerprint, keys)


@contextmanager
def _witness(auditor: Workstation, server: Workstation) -> Iterator[str]:
    """The auditor's witness, which the server asks; gives the policy by which all verify."""
    log = server.types("keys", "show")["vkey"]
    port = unused_port()
    auditor.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    config = auditor.home / "witness.toml"
    config.write_text(
        'format = "touchstone/witness/1"\nname = "example-auditor/w1"\n'
        f'[listen]\nport = {port}\n[[logs]]\nvkey = "{log}"\n',
        "utf-8",
    )
    vkey = auditor.types("witness", "key", config)["vkey"]
    (server.home / "touchstone.toml").write_text(
        f'[[witnesses]]\nname = "auditor"\nurl = "http://127.0.0.1:{port}"\nvkey = "{vkey}"\n',
        "utf-8",
    )
    with auditor.runs("witness", "serve", config, ready=lambda: listens(port)):
        yield f"log {log}\n\nwitness auditor {vkey}\nquorum auditor\n"


def _open(world: World) -> None:
    """The centre opens the case and invites; each joins by its own key; both sign one text."""
    _begin(world, CASE, tuple(ROLES))
    world.does(LAB, "agreement offer", CASE, "--retention-days", "60")
    # What the lab offered, and not what the centre began with.
    text = world.asks(CENTRE, "agreement show", CASE)[-1]["digest"]
    world.does(CENTRE, "agreement sign", CASE, text)
    world.does(LAB, "participation set", CASE, "participating", "--source", "Our letter.")


def _begin(world: World, case: str, parties: tuple[str, ...]) -> None:
    invited = [party for party in parties if party != CENTRE]
    agencies = [word for each in invited if ROLES[each] == "agency" for word in ("--agency", each)]
    choices = ("--access", "endpoint", "--reasoning", "full", "--retention-days", "90")
    published = ("--publication", "agreed-report")
    who = ("--developer", LAB, *agencies, "--id", case)
    world.does(CENTRE, "case open", "example", *who, *choices, *published)
    for party in invited:
        role, key = ("--role", ROLES[party]), ("--expects", world.keys[party])
        world.does(CENTRE, "party invite", case, party, *role, *key)
        world.does(party, "party join", case, *role)


def _hand_in(world: World, subject: Subject) -> None:
    path = world.parties[LAB].home / "SUBMISSION.toml"
    release = (SystemClock().now() + timedelta(days=DAYS_TO_RELEASE)).date()
    path.write_text(
        SUBMISSION.format(release=release.isoformat(), url=subject.url, key=KEY), "utf-8"
    )
    world.does(LAB, "submission hand-in", CASE, path)
    world.does(CENTRE, "submission assess", CASE)
    world.does(CENTRE, "clock lay", CASE)
    world.asks(AGENCY, "clock show", CASE)


def _measure(world: World, subject: Subject) -> None:
    """The server measures, with a key that the centre admits for it, and takes back."""
    claim = world.server.types("keys", "automation", CENTRE)["claim"]
    kinds = [word for kind in KINDS for word in ("--kind", kind)]
    world.does(CENTRE, "party signers admit", claim, "--label", "measuring", *kinds)
    chosen = ("--items", str(ITEMS), "--accept-grade", "--out", world.out / "measured")
    world.server.types("review", "measure", CASE, *chosen, secrets={KEY: subject.key})
    world.does(CENTRE, "party signers remove", "measuring", "--stands-by", "all")


def _judge(world: World) -> None:
    """A finding from outside is disputed and re-run; the agencies do not agree with each other."""
    kept = world.parties[EVALUATOR].home / "transcript.txt"
    kept.write_text("What the evaluator saw, and shows to nobody.\n", "utf-8")
    text = ("--title", "A way around", "--text", "One refusal can be talked around.")
    withheld = ("--withheld-evidence", kept, "--withheld-reason", "It names a customer.")
    world.does(EVALUATOR, "finding sign", CASE, OUTSIDE, "--domain", "cyber", *text, *withheld)
    grounds = ("--grounds", "We do not see this.", "--rerun-wanted")
    world.does(LAB, "finding dispute", CASE, OUTSIDE, *grounds)
    again = ("--outcome", "revised", "--text", "In one of three tries.")
    world.does(EVALUATOR, "finding rerun", CASE, OUTSIDE, *again)
    closed = ("--stance", "mitigated", "--text", "Closed in the build of today.")
    world.does(LAB, "finding respond", CASE, OUTSIDE, *closed)
    world.does(CENTRE, "designation propose", CASE)
    world.does(TREASURY, "designation dissent", CASE, "--reason", "Two items are too few.")
    decided = ("undetermined", "--reasons", "As proposed; the treasury does not concur.")
    world.does(AGENCY, "designation make", CASE, *decided)
    world.asks(LAB, "next", CASE)


def _release(world: World) -> None:
    """The agency asks for more time; the lab declines, and releases: nothing holds it."""
    until = (SystemClock().now() + timedelta(days=DAYS_TO_RELEASE + 15)).date().isoformat()
    wanted = ("--until", until, "--reason", "We are not done.")
    world.does(AGENCY, "postponement request", CASE, "more-time", *wanted)
    world.does(LAB, "postponement answer", CASE, "more-time", "declined")
    released = ("--scope", "partners", "--variant", "final", "--same-model", "same")
    world.does(LAB, "release announce", CASE, *released)
    world.does(CENTRE, "review close", CASE, "--reason", "All is said.")


def _leave_another(world: World) -> None:
    """A second case, which the lab leaves before anything was measured; no reason is asked."""
    _begin(world, LEFT, (LAB, CENTRE, AGENCY))
    world.does(LAB, "review withdraw", LEFT)
    world.asks(LAB, "case export", LEFT, "--out", world.parties[LAB].home / "left")


def _take_away(world: World) -> list[tuple[str, Path]]:
    """Each party takes its edition away and verifies it, by a policy too; gives the bundles."""
    world.server.types("witness", "ask")
    held = []
    for party, machine in world.parties.items():
        folder = machine.home / "held"
        world.asks(party, "case export", CASE, "--out", folder)
        bundle = folder / f"bundle-{party}.jsonl"
        machine.types(
            *("verify", bundle, "--trust", world.fingerprint, "--policy", world.out / "policy")
        )
        held.append((party, bundle))
    return held


def search(world: World) -> None:
    """No party's key may lie on the server's disk, in whatever form of its bytes.

    Raises DemoError where one does.
    """
    secrets = {
        form: party
        for party, machine in world.parties.items()
        for path in machine.home.rglob("*.pem")
        for form in _forms(path.read_bytes())
    }
    for path in (each for each in world.server.home.rglob("*") if each.is_file()):
        data = path.read_bytes()
        for secret, party in secrets.items():
            if secret in data:
                raise DemoError(f"the server's disk holds a key of {party}: {path}")


def _forms(pem: bytes) -> tuple[bytes, ...]:
    """A private key as its file has it, as DER, as the 32 bytes that matter, and as hex."""
    text = b"".join(line for line in pem.splitlines() if b"-----" not in line)
    der = b64decode(text)
    return text, der, der[-_SECRET:], der[-_SECRET:].hex().encode()
