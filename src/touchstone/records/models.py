"""The tables. Only this room reads them; times are text in UTC as the record writes them.

Triggers refuse to change entries, leaves, checkpoints, part 0s, deeds and answers. They stop
accidents, not the owner of the tables: whoever may drop a trigger may rewrite history, and only a
head that was witnessed elsewhere shows it.
"""

from typing import TYPE_CHECKING, ClassVar, Self

from django.db import models

if TYPE_CHECKING:
    # Django's fields take type parameters for the checker only.
    Text = models.Field[str, str]
    Number = models.Field[int, int]
    Bytes = models.Field[bytes, bytes]
    MaybeBytes = models.Field[bytes | None, bytes | None]
    MaybeNumber = models.Field[int | None, int | None]
    OfCase = models.Field["CaseRow", "CaseRow"]
    Flag = models.Field[bool, bool]
else:
    Flag = Text = Number = Bytes = MaybeBytes = MaybeNumber = OfCase = models.Field


INSTALLATION = 1
"""The one row of the installation's log."""


class Row(models.Model):
    """What all tables share."""

    objects: ClassVar[models.Manager[Self]] = models.Manager()

    class Meta:
        """No table of its own."""

        abstract = True

    def __str__(self) -> str:
        # Never a value: a row may hold what its reader may not see.
        return f"{type(self).__name__} {self.pk}"


class CaseRow(Row):
    """A case's head: the locked row that gives out n, and the case's key."""

    case: Text = models.CharField(primary_key=True, max_length=64)
    log: Text = models.CharField(max_length=64, unique=True)
    """Leaf of entry 0, hex."""
    size: Number = models.BigIntegerField()
    """Entries so far: the next n."""
    frontier: Bytes = models.BinaryField()
    """`ledger.Frontier` over the entries' leaves."""
    wrapped_key: MaybeBytes = models.BinaryField(null=True)
    """The case's data key under the installation's master key; null once it was destroyed."""
    contract: Number = models.SmallIntegerField(default=1)
    """The record contract of its log, from entry 0 to its end: 1 or 2."""


class EntryRow(Row):
    """One entry, its line as hashed."""

    pk = models.CompositePrimaryKey("case_id", "n")
    case_id: str
    case: OfCase = models.ForeignKey(CaseRow, models.PROTECT, db_index=False, related_name="+")
    n: Number = models.BigIntegerField()
    line: Bytes = models.BinaryField()
    type: Text = models.TextField(default="")
    """That of its event, as part 0 says."""

    class Meta:
        """Entries of a type are found by index."""

        indexes: ClassVar = [models.Index(fields=["case", "type", "n"], name="entries_by_type")]


class PartRow(Row):
    """One part of an entry: salt and bytes, in clear for part 0, else under the case's key."""

    pk = models.CompositePrimaryKey("case_id", "n", "i")
    case_id: str
    case: OfCase = models.ForeignKey(CaseRow, models.PROTECT, db_index=False, related_name="+")
    n: Number = models.BigIntegerField()
    i: Number = models.SmallIntegerField()
    body: MaybeBytes = models.BinaryField(null=True)
    """`salt32 || bytes`, sealed for i > 0: a salt left behind would let content be guessed."""
    label: Text = models.TextField(default="")
    """Why it was erased; empty while it is there."""
    clear: Flag = models.BooleanField(default=False)
    """Of contract 2, whether it is kept in clear and never erased: part 0, and the server's two."""


class DeedRow(Row):
    """What the checks ask of a deed of contract 2: all of it can be read off its entry's parts."""

    pk = models.CompositePrimaryKey("case_id", "n")
    case_id: str
    case: OfCase = models.ForeignKey(CaseRow, models.PROTECT, db_index=False, related_name="+")
    n: Number = models.BigIntegerField()
    key: Text = models.CharField(max_length=71)
    """Fingerprint of the key that signed it."""
    seq: Number = models.BigIntegerField()
    digest: Text = models.CharField(max_length=64)
    seen: Number = models.BigIntegerField()
    """The size that its signer had seen."""
    at: Text = models.CharField(max_length=20)
    """When it was recorded."""
    root: Bytes = models.BinaryField()
    """The log's root with this entry."""

    class Meta:
        """A key's newest is found by index, and none is used twice."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["case", "key", "seq"], name="one_deed")
        ]


class TopicRow(Row):
    """That entry n touches a topic; the newest is found by index."""

    pk = models.CompositePrimaryKey("case_id", "topic", "n")
    case_id: str
    case: OfCase = models.ForeignKey(CaseRow, models.PROTECT, db_index=False, related_name="+")
    topic: Text = models.CharField(max_length=200)
    n: Number = models.BigIntegerField()


class AnswerRow(Row):
    """The installation's signed word on a deed of contract 2, in the bytes first given."""

    digest: Text = models.CharField(primary_key=True, max_length=64)
    """H: it names its log, and where it begins one it begins only one."""
    case: Text = models.CharField(max_length=64, db_index=True)
    """No reference: what was to begin a case and was refused has none."""
    party: Text = models.CharField(max_length=128)
    """Whose deed it is."""
    line: Bytes = models.BinaryField()


class EvidenceRow(Row):
    """One piece of evidence; the bytes lie in a file of this name, under the case's key."""

    pk = models.CompositePrimaryKey("case_id", "name")
    case_id: str
    case: OfCase = models.ForeignKey(CaseRow, models.PROTECT, db_index=False, related_name="+")
    name: Text = models.CharField(max_length=64)
    """What the case's key makes of the digest, so that the digest cannot be guessed from it."""
    facts: Bytes = models.BinaryField()
    """Sealed: digest, size, media type and the name that people gave it."""
    size: Number = models.BigIntegerField()


class StagedRow(Row):
    """Bytes that a party sends before the deed that they are evidence of."""

    id: Number = models.BigAutoField(primary_key=True)
    case_id: str
    case: OfCase = models.ForeignKey(CaseRow, models.PROTECT, db_index=False, related_name="+")
    party: Text = models.CharField(max_length=128, db_index=True)
    """Whose they are: its deeds alone may use them."""
    name: Text = models.CharField(max_length=64)
    """What the case's key makes of the digest, as for evidence."""
    facts: Bytes = models.BinaryField()
    """Sealed: the digest."""
    size: Number = models.BigIntegerField()
    """How many bytes they are to be."""
    received: Number = models.BigIntegerField()
    """How many of them are here."""
    until: Number = models.BigIntegerField(db_index=True)
    """Seconds since the epoch by the database's clock."""
    file: Text = models.CharField(max_length=32, default="")
    """The file of all of them, once they were seen to have that digest."""

    class Meta:
        """Once a party and case."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["case", "party", "name"], name="one_staged")
        ]


class StagedPieceRow(Row):
    """A run of such bytes, in a file of its own."""

    id: Number = models.BigAutoField(primary_key=True)
    staged_id: int
    staged: models.ForeignKey[StagedRow, StagedRow] = models.ForeignKey(
        StagedRow, models.CASCADE, db_index=False, related_name="+"
    )
    start: Number = models.BigIntegerField()
    """How many bytes are before it."""
    file: Text = models.CharField(max_length=32)

    class Meta:
        """In order, each once."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["staged", "start"], name="one_piece")
        ]


class LeafRow(Row):
    """One leaf of the installation log: a case head behind a blind."""

    index: Number = models.BigIntegerField(primary_key=True)
    commitment: Bytes = models.BinaryField()
    case_id: str
    case: OfCase = models.ForeignKey(CaseRow, models.PROTECT, related_name="+")
    size: Number = models.BigIntegerField()
    keyset: Text = models.CharField(max_length=64)
    blind: Bytes = models.BinaryField()


class InstallationRow(Row):
    """The installation log's head: one locked row."""

    id: Number = models.SmallIntegerField(primary_key=True)
    size: Number = models.BigIntegerField()
    frontier: Bytes = models.BinaryField()
    lock: MaybeBytes = models.BinaryField(null=True)
    """A key of no case, wrapped: opens under this installation's master key alone."""


class CertificateRow(Row):
    """What was signed when a case was destroyed, so that it can be handed out again."""

    case_id: str
    case: OfCase = models.OneToOneField(CaseRow, models.PROTECT, primary_key=True, related_name="+")
    certificate: Text = models.TextField()
    finished: Flag = models.BooleanField(default=False)
    """Whether key, content and evidence were seen to be gone from the files too."""


class CheckpointRow(Row):
    """A signed checkpoint over the installation log."""

    id: Number = models.BigAutoField(primary_key=True)
    size: Number = models.BigIntegerField(db_index=True)
    key: Text = models.CharField(max_length=71)
    """Fingerprint of the key that signed it."""
    note: Text = models.TextField()


class IndexRow(Row):
    """What lists show of a case; made from its entries, and made again by rebuild."""

    case_id: str
    case: OfCase = models.OneToOneField(CaseRow, models.PROTECT, primary_key=True, related_name="+")
    title: Text = models.TextField()
    model_name: Text = models.TextField()
    developer: Text = models.TextField(db_index=True)
    framework: Text = models.TextField(db_index=True)
    status: Text = models.TextField(db_index=True)
    updated: Text = models.CharField(max_length=20, db_index=True)


class MemberRow(Row):
    """That a party is of a case; made from its entries, and made again by rebuild."""

    pk = models.CompositePrimaryKey("party", "case_id")
    party: Text = models.CharField(max_length=128)
    case_id: str
    case: OfCase = models.ForeignKey(CaseRow, models.PROTECT, related_name="+")
    role: Text = models.CharField(max_length=64)
    n: Number = models.BigIntegerField()
    """The entry by which it joined, or was invited last."""
    joined: Flag = models.BooleanField()
    """Else it is invited."""
    last: MaybeNumber = models.BigIntegerField(null=True)
    """The entry by which it left, which is the last that it reads."""


class JobRow(Row):
    """A chunk of work. This row, and nothing else, says who works on it."""

    id: Number = models.BigAutoField(primary_key=True)
    case: Text = models.CharField(max_length=64)
    job: Text = models.CharField(max_length=128)
    work: Text = models.TextField()
    state: Text = models.CharField(max_length=8)
    worker: Text = models.TextField(default="")
    token: Number = models.BigIntegerField(default=0)
    """Grows with each lease, so it is also the number of attempts."""
    until: Number = models.BigIntegerField(default=0)
    """Seconds since the epoch."""

    class Meta:
        """One row a job; the oldest open one is found by index."""

        constraints: ClassVar = [models.UniqueConstraint(fields=["case", "job"], name="one_job")]
        indexes: ClassVar = [models.Index(fields=["case", "state", "id"], name="open_jobs")]


class ExecutionRow(Row):
    """A run of a job under one lease, noted before its first request."""

    id: Number = models.BigAutoField(primary_key=True)
    case: Text = models.CharField(max_length=64)
    job: Text = models.CharField(max_length=128)
    token: Number = models.BigIntegerField()
    """Of the lease."""
    worker: Text = models.TextField()
    begun: Number = models.BigIntegerField()
    """Seconds since the epoch by the database's clock."""

    class Meta:
        """One execution a lease."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["case", "job", "token"], name="one_execution")
        ]


class OutcomeRow(Row):
    """What an execution said of one sample, until it stands in the case's log."""

    id: Number = models.BigAutoField(primary_key=True)
    case: Text = models.CharField(max_length=64)
    job: Text = models.CharField(max_length=128)
    index: Number = models.BigIntegerField()
    """The sample's position."""
    token: Number = models.BigIntegerField()
    """Of the lease under which it ran."""
    body: Bytes = models.BinaryField()
    """Sealed under the case's key."""

    class Meta:
        """The first stands."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["case", "job", "index"], name="one_outcome")
        ]


class RefusedSignerRow(Row):
    """How many signed refusals are kept of a signer since its newest deed, in a day."""

    pk = models.CompositePrimaryKey("case", "signer")
    case: Text = models.CharField(max_length=64)
    """Empty for what was to begin a case."""
    signer: Text = models.CharField(max_length=128)
    """The key's fingerprint; of what was to begin a case the party."""
    last: Number = models.BigIntegerField()
    """The `seq` of the key's newest recorded deed then, -1 for none."""
    kept: Number = models.BigIntegerField()
    since: Number = models.BigIntegerField()
    """Seconds since the epoch by the database's clock: when the first of them was."""


class RefusalRow(Row):
    """A deed that was refused; no part of any case."""

    id: Number = models.BigAutoField(primary_key=True)
    second: Number = models.BigIntegerField()
    """Seconds since the epoch."""
    actor: Text = models.CharField(max_length=200)
    case: Text = models.CharField(max_length=200)
    deed: Text = models.CharField(max_length=200)
    reason: Text = models.CharField(max_length=500)
    unlisted: Number = models.BigIntegerField(default=0)
    """How many more of this actor were only counted."""

    class Meta:
        """An actor's newest are found by index."""

        indexes: ClassVar = [models.Index(fields=["actor", "second"], name="refusals")]
