"""The installation log: blinded case heads, signed checkpoints, and proofs for an outsider.

Heads come into it in groups, by `publish`, after the deeds that moved them and in no transaction of
theirs: so cases do not wait for one another, and a head that nobody asked about has no leaf.
"""

import threading
from collections.abc import Callable, Sequence

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from touchstone.keys import Keyring, RandomSource
from touchstone.ledger import (
    CaseHead,
    Checkpoint,
    Frontier,
    SignedNote,
    Tree,
    VerifierKey,
    blind_head,
    leaf_hash,
    parse_checkpoint,
    parse_note,
    sign_checkpoint,
)
from touchstone.ledger.notes import key_id
from touchstone.records.database import translated
from touchstone.records.errors import CaseMissingError, DamagedError
from touchstone.records.inserting import insert, update
from touchstone.records.models import (
    INSTALLATION,
    CaseRow,
    CheckpointRow,
    InstallationRow,
    LeafRow,
)
from touchstone.records.reader import frontier_at
from touchstone.records.soundness import signed
from touchstone.records.values import HeadProof, OlderCheckpoint

BLIND_SIZE = 32
_PAGE = 10_000
_COSIGNED = 64
"""So many of the newest checkpoints are looked through for what witnesses cosigned."""


class InstallationLog:
    """Signs and proves over the installation log; keeps its tree in memory, 64 bytes a leaf."""

    def __init__(
        self, alias: str, keyring: Keyring, random: RandomSource, writable: Callable[[], None]
    ) -> None:
        """`writable` raises ReadOnlyError where nothing may be written."""
        self._alias = alias
        self._writable = writable
        self._keyring = keyring
        self._random = random
        self._tree = Tree()
        self._growing = threading.Lock()

    def checkpoint(self) -> str:
        """Publish, sign the log with the newest key, and keep the note; gives its text.

        Where nothing moved since, the note that was kept. An empty log has a checkpoint too.
        Raises DamagedError where the log does not extend the newest checkpoint beside the keys.
        """
        self.publish()
        signer, history = self._keyring.installation, self._keyring.history
        with translated(self._alias), transaction.atomic(using=self._alias, durable=True):
            row = self._locked()
            root = Frontier.from_bytes(bytes(row.frontier)).root
            self._check_extends(row.size)
            # The newest of them has the most cosignatures.
            kept = (
                CheckpointRow.objects.using(self._alias)
                .filter(size=row.size, key=signer.fingerprint)
                .order_by("-id")
                .first()
            )
            if kept:
                return kept.note
            note = sign_checkpoint(Checkpoint(history.origin, row.size, root), signer)
            # The leaves stand already: what is kept beside the keys is never ahead of them.
            self._keyring.keep_checkpoint(note)
            CheckpointRow.objects.using(self._alias).create(
                size=row.size, key=signer.fingerprint, note=note
            )
        return note

    @property
    def size(self) -> int:
        """How many heads were published."""
        with translated(self._alias):
            return InstallationRow.objects.using(self._alias).get(pk=INSTALLATION).size

    def checkpoints(self) -> list[str]:
        """All notes that were signed, oldest first."""
        with translated(self._alias):
            rows = CheckpointRow.objects.using(self._alias).order_by("id")
            return list(rows.values_list("note", flat=True))

    def keep_cosigned(self, note: str, lines: str) -> str:
        """Keep a checkpoint with the cosignature lines that came for it; gives its note.

        `lines` were checked by who asked, each has its line feed; a newer line of a witness takes
        the place of its older one. Raises DamagedError where it is no checkpoint of this log.
        """
        asked = parse_note(note)
        size = parse_checkpoint(asked.text).size
        with translated(self._alias), transaction.atomic(using=self._alias, durable=True):
            self._locked()
            kept = _of_text(self._alias, size, asked.text)
            if kept is None:
                raise DamagedError("cosignatures came for a checkpoint that was never signed here")
            come = (
                *parse_note(kept.note).signatures,
                *parse_note(f"{asked.text}\n{lines}").signatures,
            )
            signatures = {(each.name, each.key_id): each for each in come}
            cosigned = str(SignedNote(asked.text, tuple(signatures.values())))
            if cosigned != kept.note:
                CheckpointRow.objects.using(self._alias).create(
                    size=size, key=kept.key, note=cosigned
                )
        return cosigned

    def cosigned_size(self, witness: VerifierKey) -> int:
        """The largest size that a witness cosigned, as far as was kept; 0: none."""
        named = CheckpointRow.objects.using(self._alias).filter(
            note__contains=f"\n— {witness.name} "
        )
        own = (witness.name, key_id(witness.name, witness.kind, witness.public_key))
        with translated(self._alias):
            # Whoever had the name before, with another key, cosigned for itself.
            sizes = (row.size for row in named.order_by("-size") if own in _witnesses(row.note))
            return next(sizes, 0)

    def consistency_of(self, size: int) -> Callable[[int], Sequence[bytes]]:
        """Gives for an older size the hashes (32 bytes each) that the tree of `size` extends it.

        All leaves are read now: what it gives asks no database, and may be called in a loop.
        """
        tree = self._grown(size)
        return lambda old: tree.consistency(old, size)

    def publish(self) -> int:
        """Add a leaf for the head of every case that has none for it; gives how many were added."""
        self._writable()
        with translated(self._alias):
            # Asked without the lock: mostly there is nothing to be done.
            if not self._unpublished().exists():
                return 0
        with translated(self._alias), transaction.atomic(using=self._alias, durable=True):
            self._locked()
            keyset = self._keyring.history.keyset
            heads = [
                (row.case, CaseHead(row.log, row.size, _root_of(row), keyset))
                for row in self._unpublished()
            ]
            self._add(heads)
        return len(heads)

    def prove(self, case: str, older: int = 1) -> HeadProof:
        """Prove a case's newest head under a checkpoint signed now.

        The heads of all cases are published first. With it come up to `older` earlier checkpoints,
        newest first, and that this extends them.
        After a rotation the head is first recorded anew, since a head names the keys of its time.
        Raises CaseMissingError, DamagedError.
        """
        self._writable()
        self.publish()
        leaf = self._current_leaf(case)
        note = self.checkpoint()
        checkpoint = parse_checkpoint(parse_note(note).text)
        tree = self._grown(checkpoint.size)
        if tree.root(checkpoint.size) != checkpoint.root:
            raise DamagedError("the installation's leaves do not make its root")
        return HeadProof(
            head=self._head(leaf),
            blind=bytes(leaf.blind),
            index=leaf.index,
            inclusion=tuple(tree.inclusion(leaf.index, checkpoint.size)),
            checkpoint=note,
            older=self._older(tree, note, checkpoint.size, older),
        )

    def _check_extends(self, size: int) -> None:
        """Never sign two histories: whoever holds a checkpoint could prove us false."""
        newest = signed(self._keyring)
        if newest is None:
            return
        shorter = newest.size > size
        if shorter or self._grown(size).root(newest.size) != newest.root:
            raise DamagedError(
                f"the record is not the one over whose {newest.size} heads a checkpoint was"
                " signed; fix: restore the newest backup of the database"
            )

    def _current_leaf(self, case: str) -> LeafRow:
        """The leaf of the case's newest head under the newest keys, added where there is none."""
        keyset = self._keyring.history.keyset
        leaves = LeafRow.objects.using(self._alias).filter(case=case).order_by("-index")
        with translated(self._alias):
            leaf = leaves.first()
            if leaf is None:
                raise CaseMissingError(f"{case}: there is no such case")
            if leaf.keyset == keyset:
                return leaf
            with transaction.atomic(using=self._alias, durable=True):
                self._locked()
                row = CaseRow.objects.using(self._alias).get(pk=case)
                self._add([(case, CaseHead(row.log, row.size, _root_of(row), keyset))])
            return leaves[0]

    def _unpublished(self) -> QuerySet[CaseRow]:
        """The cases of whose newest head there is no leaf."""
        leaves = LeafRow.objects.using(self._alias).filter(
            case=OuterRef("pk"), size=OuterRef("size")
        )
        return CaseRow.objects.using(self._alias).exclude(Exists(leaves)).order_by("case")

    def _add(self, heads: Sequence[tuple[str, CaseHead]]) -> None:
        """Append blinded heads, each with the case that it is of; the log is locked."""
        row = InstallationRow.objects.using(self._alias).get(pk=INSTALLATION)
        frontier = Frontier.from_bytes(bytes(row.frontier))
        leaves = []
        for case, head in heads:
            blind = self._random.draw(BLIND_SIZE)
            commitment = blind_head(blind, head)
            index = frontier.append(leaf_hash(commitment))
            leaves.append((index, commitment, case, head.size, head.keyset, blind))
        insert(self._alias, (LeafRow, leaves))
        changes = {"size": len(frontier), "frontier": frontier.to_bytes()}
        update(self._alias, InstallationRow, INSTALLATION, changes)

    def _head(self, leaf: LeafRow) -> CaseHead:
        """The head that a leaf hides, recomputed from the case's entries at that size."""
        with translated(self._alias):
            row = CaseRow.objects.using(self._alias).get(pk=leaf.case_id)
        frontier = frontier_at(self._alias, row, leaf.size)
        return CaseHead(row.log, leaf.size, frontier.root.hex(), leaf.keyset)

    def _older(self, tree: Tree, note: str, size: int, count: int) -> tuple[OlderCheckpoint, ...]:
        """The `count` newest before this one, and of each witness the newest that it cosigned."""
        rows = CheckpointRow.objects.using(self._alias).filter(size__lte=size, size__gt=0)
        text, found = parse_note(note).text, dict[str, CheckpointRow]()
        with translated(self._alias):
            # Of one checkpoint the newest row has the most cosignatures.
            for row in rows.filter(size__lt=size).order_by("-id")[: count + _COSIGNED]:
                if len(found) < count:
                    found.setdefault(parse_note(row.note).text, row)
            seen = _witnesses(note)
            # A note with a second signature line: the first one ends in a padding of its base64.
            for row in rows.filter(note__contains="=\n— ").order_by("-id")[:_COSIGNED]:
                own = parse_note(row.note).text
                if not _witnesses(row.note) <= seen and own != text:
                    found.setdefault(own, row)
                seen |= _witnesses(row.note)
        newest_first = sorted(found.values(), key=lambda row: row.id, reverse=True)
        return tuple(
            OlderCheckpoint(row.note, tuple(tree.consistency(row.size, size)))
            for row in newest_first
        )

    def _grown(self, size: int) -> Tree:
        leaves = LeafRow.objects.using(self._alias).order_by("index")
        with self._growing, translated(self._alias):
            while len(self._tree) < size:
                low = len(self._tree)
                page = leaves.filter(index__gte=low, index__lt=min(low + _PAGE, size))
                found = [bytes(c) for c in page.values_list("commitment", flat=True)]
                if not found:
                    raise DamagedError(f"the installation log has no leaf {low}")
                for commitment in found:
                    self._tree.append(leaf_hash(commitment))
        return self._tree

    def _locked(self) -> InstallationRow:
        rows = InstallationRow.objects.using(self._alias)
        return rows.select_for_update().get(pk=INSTALLATION)


def _of_text(alias: str, size: int, text: str) -> CheckpointRow | None:
    """The newest row of the checkpoint with this text."""
    rows = CheckpointRow.objects.using(alias).filter(size=size).order_by("-id")
    return next((row for row in rows if parse_note(row.note).text == text), None)


def _witnesses(note: str) -> set[tuple[str, bytes]]:
    """Whose lines a note has, the log's own aside."""
    signed = parse_note(note)
    origin = parse_checkpoint(signed.text).origin
    return {(each.name, each.key_id) for each in signed.signatures if each.name != origin}


def _root_of(row: CaseRow) -> str:
    return Frontier.from_bytes(bytes(row.frontier)).root.hex()
