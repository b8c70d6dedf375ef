"""Everything that is kept, recomputed: what is amiss, and where. Nothing is changed."""

import importlib
import pkgutil
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db import connections

from touchstone.keys import DataKey, Keyring
from touchstone.ledger import (
    CaseHead,
    Frontier,
    MalformedError,
    Tree,
    blind_head,
    digest_bytes,
    leaf_hash,
    loads,
    open_checkpoint,
    parse_entry,
    parse_facts,
)
from touchstone.ledger.errors import AlteredError
from touchstone.ledger.keylines import KeyHistory
from touchstone.ledger.parts import PartyKeys, check_deed_place
from touchstone.records import migrations
from touchstone.records.database import raw, translated
from touchstone.records.deedchecking import check_signed_deeds
from touchstone.records.errors import DamagedError, EvidenceMissingError
from touchstone.records.evidence import EvidenceFiles
from touchstone.records.members import read_members, recorded_members
from touchstone.records.models import (
    INSTALLATION,
    CheckpointRow,
    EvidenceRow,
    InstallationRow,
    LeafRow,
)
from touchstone.records.reader import CaseReader
from touchstone.records.settings import is_postgresql
from touchstone.records.soundness import signed
from touchstone.records.stagedfiles import StagedFiles
from touchstone.records.staging import check_staged
from touchstone.records.values import RecordedFacts
from touchstone.records.walls import wall_faults
from touchstone.records.writer import evidence_place


@dataclass(frozen=True, slots=True)
class Fault:
    """Something amiss: `where` names the part of the record, `what` says it in a line."""

    where: str
    what: str


def check_database(alias: str) -> Iterator[Fault]:
    """Whether the database is whole, and its guards are there."""
    with translated(alias), connections[alias].cursor() as cursor:
        if is_postgresql(alias):
            # A trigger may be there and switched off.
            cursor.execute("SELECT tgname FROM pg_trigger WHERE tgenabled <> 'D'")
            found = {name for (name,) in cursor.fetchall()}
            yield from (Fault("database", fault) for fault in wall_faults(alias))
        else:
            cursor.execute("PRAGMA integrity_check(10)")
            for (line,) in cursor.fetchall():
                if line != "ok":
                    yield Fault("database", f"integrity: {line}")
            cursor.execute("PRAGMA foreign_key_check")
            for table, *_ in cursor.fetchall()[:10]:
                yield Fault("database", f"a row of {table} refers to none")
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            found = {name for (name,) in cursor.fetchall()}
    for guard in sorted(_guards(postgresql=is_postgresql(alias)) - found):
        yield Fault("database", f"the trigger {guard} is missing: rows could be changed unseen")


def _guards(*, postgresql: bool) -> set[str]:
    """The names of the triggers that the tables were made with: those of every migration."""
    wanted = "postgresql_guards" if postgresql else "sqlite_guards"
    statements: list[str] = []
    for found in pkgutil.iter_modules(migrations.__path__, f"{migrations.__name__}."):
        made = getattr(importlib.import_module(found.name), wanted, None)
        statements += made() if made else []
    return {name for text in statements for name in re.findall(r"^CREATE TRIGGER (\w+)", text)}


def check_installation_log(alias: str, keyring: Keyring) -> Iterator[Fault]:
    """Whether the leaves make the root, and every signed checkpoint is of this tree."""
    where, tree = "installation log", Tree()
    with translated(alias):
        row = InstallationRow.objects.using(alias).get(pk=INSTALLATION)
        notes = list(CheckpointRow.objects.using(alias).order_by("id"))
        leaves = LeafRow.objects.using(alias).order_by("index")
        for index, (at, commitment) in enumerate(leaves.values_list("index", "commitment")):
            if at != index:
                yield Fault(where, f"leaf {index} is missing")
                return
            tree.append(leaf_hash(raw(commitment)))
    root = Frontier.from_bytes(raw(row.frontier)).root
    if len(tree) != row.size or tree.root(row.size) != root:
        yield Fault(where, f"its {len(tree)} leaves do not make the root over {row.size}")
        return
    history = keyring.history
    named = [(f"checkpoint over {note.size}", note.note) for note in notes]
    # A database that was exchanged brings its own rows along, and not what lies beside the keys.
    if (kept := signed(keyring)) is not None:
        over = f"the checkpoint beside the keys, over {kept.size},"
        named.append((over, keyring.checkpoint or ""))
    for name, note in named:
        try:
            opened = open_checkpoint(note, history.origin, history.public_keys)
        except (AlteredError, MalformedError) as error:
            yield Fault(where, f"{name.rstrip(',')}: {error}")
            continue
        if opened.size > len(tree) or tree.root(opened.size) != opened.root:
            yield Fault(where, f"{name} is not of this log")


def check_case(alias: str, reader: CaseReader, history: KeyHistory) -> Iterator[Fault]:
    """Whether parts, order, root, deeds and installation leaves of a case hold."""
    where = f"case {reader.case}"
    try:
        reader.check()
        if reader.contract == 1:
            yield from _check_deeds(reader, where)
        else:
            check_signed_deeds(alias, reader, history)
        yield from _check_leaves(alias, reader, where)
    except (DamagedError, AlteredError, MalformedError) as error:
        yield Fault(where, str(error).removeprefix(f"{reader.case}: "))


def _check_deeds(reader: CaseReader, where: str) -> Iterator[Fault]:
    keys, frontier, parts = PartyKeys(), Frontier(), reader.parts()
    for line in reader.lines():
        entry = parse_entry(line)
        facts, signed = None, False
        for i in range(len(entry.parts)):
            data = next(parts).data
            if i == 0 and data is not None:
                facts = parse_facts(data, entry.n)
                keys.follow(facts)
            elif data is not None and (part := loads(data)).get("kind") == "deed":
                keys.verify(check_deed_place(part, entry, frontier.root, facts))
                signed = True
        # Contract 1 sealed deeds with the content: in a destroyed case they are gone with it.
        if not signed and not reader.destroyed:
            yield Fault(where, f"entry {entry.n} carries no deed of its actor")
        frontier.append(entry.leaf)


def _check_leaves(alias: str, reader: CaseReader, where: str) -> Iterator[Fault]:
    with translated(alias):
        leaves = LeafRow.objects.using(alias).filter(case=reader.case).order_by("index")
        wanted: dict[int, list[LeafRow]] = {}
        for leaf in leaves:
            wanted.setdefault(leaf.size, []).append(leaf)
    frontier = Frontier()
    for size, line in enumerate(reader.lines(), start=1):
        frontier.append(leaf_hash(line))
        for leaf in wanted.pop(size, []):
            head = CaseHead(reader.log, size, frontier.root.hex(), leaf.keyset)
            if blind_head(raw(leaf.blind), head) != raw(leaf.commitment):
                yield Fault(where, f"leaf {leaf.index} hides another head than that over {size}")
    for size in wanted:
        yield Fault(where, f"the installation log has a head over {size} entries, which are gone")


def check_members(alias: str, case: str, recorded: Sequence[RecordedFacts]) -> Iterator[Fault]:
    """Whether the table says the same of its members as the case's entries."""
    with translated(alias):
        listed = read_members(alias, case)
    if listed != recorded_members(recorded):
        yield Fault(f"case {case}", "its list of members is wrong; fix: touchstone rebuild")


def check_waiting(
    alias: str, case: str, key: DataKey | None, files: StagedFiles
) -> Iterator[Fault]:
    """Whether what was sent before its deed is whole, and waits for no longer than it may."""
    for line in check_staged(alias, case, key, files):
        yield Fault(f"what was sent for case {case}", line)


def check_evidence(
    alias: str, case: str, key: DataKey | None, files: EvidenceFiles
) -> Iterator[Fault]:
    """Whether each piece of evidence is what its digest says, and no other file lies there."""
    where = f"evidence of case {case}"
    with translated(alias):
        rows = list(EvidenceRow.objects.using(alias).filter(case=case))
    if key is not None:
        for row in rows:
            try:
                facts = loads(key.open(raw(row.facts), evidence_place(case, row.name)))
                data = files.get(case, row.name, key)
            except (DamagedError, EvidenceMissingError, MalformedError) as error:
                yield Fault(where, str(error))
                continue
            if digest_bytes(data) != facts["digest"]:
                yield Fault(where, f"{facts['name']}: is not what its digest says")
    known = {row.name for row in rows}
    if left := files.names(case) - known:
        yield Fault(where, f"{len(left)} files that no entry knows: touchstone rebuild sweeps them")
