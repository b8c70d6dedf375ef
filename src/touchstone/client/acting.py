"""A party's hand on its own machine: it follows a case, signs, sends, and believes no server.

    client = Client.open(folder, server, party="example-lab", pinned=fingerprint)
    receipt = client.act("case-1", signer, lambda seen: review_halted(seen, "example-lab", "Why."))

Whatever the server is asked for comes as bytes that are checked here: its keys and its log against
those that were seen before, each entry against the one before it, each answer against the entries.
What does not agree is kept beside what it disagrees with, and nothing more is signed.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import islice, takewhile
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

from touchstone.client.before_signing import is_vain, require_able, require_shown
from touchstone.client.errors import (
    CaseBegunError,
    CaughtError,
    MemoryFaultError,
    UnheardError,
    WaitingError,
)
from touchstone.client.followed import FollowedCase, Machine, TopicsToldLog, open_head
from touchstone.client.memory import KeptDeed, Memory, SeqTakenError
from touchstone.client.proofs import cut, write_proof
from touchstone.client.server import ListsCases, RecordServer
from touchstone.client.trusting import TrustedInstallation, greeted, size_of
from touchstone.deeds.deed import Deed
from touchstone.deeds.seen_case import SeenCase
from touchstone.deeds.seen_entries import ShownParts
from touchstone.deeds.signing import Outgoing
from touchstone.evaluation.digests import digest_bytes
from touchstone.handin.shown_ids import short_digest
from touchstone.keys import SystemClock, SystemRandom
from touchstone.keys.files import secret_folder
from touchstone.ledger import AlteredError, MalformedError, PublishedHead, fingerprint, loads
from touchstone.ledger.contract2 import (
    PARTS,
    DeedAnswer,
    RecordedAnswer,
    RefusedAnswer,
    SignedAnswer,
    parse_answer,
    parse_shown_part,
    parse_statement_envelope,
)
from touchstone.ledger.errors import RefusedDeedError, UnpromisedError
from touchstone.ledger.signing import Signer
from touchstone.review import topics_of
from touchstone.review.events.base import Role

Drafting = Callable[[SeenCase], Deed]
"""Makes a deed from the case as it is seen."""
Check = Callable[[FollowedCase], None]
"""Holds a case against what the installation signed of it. Raises AlteredError."""
NO_LOGS: Mapping[str, str] = MappingProxyType({})
MOST_NEW = 200_000
"""Entries that are taken in at once: a server is not to fill this machine."""
MOST_ANSWERS = 20
"""Of the kept answers those that go into a proof, the newest."""
_LINES = 1 + PARTS
"""An entry's own, and one for each part."""


class Client:
    """One party's, at one server. Its folder holds no key: `act` is given a signer."""

    def __init__(
        self,
        folder: Path,
        server: RecordServer,
        party: str,
        pinned: str,
        machine: Machine,
        told: tuple[tuple[str, Role], ...] = (),
        logs: Mapping[str, str] = NO_LOGS,
    ) -> None:
        self._folder = folder
        self._server = server
        self._party = party
        self._pinned = pinned
        self._machine = machine
        self._told = told
        self._logs = logs
        self._memory = Memory(folder)
        self._cases: dict[str, FollowedCase] = {}

    @classmethod
    def open(
        cls,
        folder: Path,
        server: RecordServer,
        *,
        party: str,
        pinned: str,
        told: Sequence[tuple[str, Role]] = (),
        logs: Mapping[str, str] = NO_LOGS,
        machine: Machine | None = None,
    ) -> Self:
        """A client with what it remembers in a folder, which is made where there is none.

        Args:
            folder: Its own (0700).
            server: The installation, untrusted.
            party: Whose hand it is.
            pinned: The fingerprint of the installation's first key, known from elsewhere.
            told: Who is to take part, where the party was told so: until it has joined, the record
                does not show it.
            logs: By case the id of its log (hex), where the party was told it: a case's name
                stands in nothing that is signed.
            machine: Its clock and chance; None: this machine's.

        Raises:
            KeyFileError: others own the folder, or may enter it.
        """
        # Answers are secrets of the party, and whoever could write here could make it sign twice.
        secret_folder(folder)
        here = machine or Machine(SystemClock(), SystemRandom())
        return cls(folder, server, party, pinned, here, tuple(told), logs)

    def greet(self) -> TrustedInstallation:
        """Ask the installation who it is, and hold that against what it said before.

        Raises:
            WrongInstallationError: it is another than the one pinned.
            CaughtError: its keys or its log do not go on from where they were.
            UnheardError: nothing was heard of it.
        """
        trusted = self._memory.trusted
        said = self._server.greet(size_of(trusted.checkpoint) if trusted else 0)
        with self._catching("", said.value):
            found = greeted(said, self._pinned, trusted, trusted.checkpoint if trusted else None)
        # Before anything is signed on it: whoever is shown another log later has the proof.
        self._memory.trust(found.trusted)
        return found

    def look(self, case: str) -> SeenCase:
        """The case as it is now, as far as the party may read it: what is new is taken in.

        Raises:
            CaughtError: what the server shows is no continuation of what it showed or signed.
            UnpromisedError: there is no such case for this party.
            UnheardError: nothing was heard of it.
        """
        installation, published = self._published(case)
        followed = self._up_to(
            case, installation, published.head.size, lambda now: now.check_head(published.head)
        )
        # Heads that stand in another log than the one that all are shown would be seen by nobody.
        note = published.checkpoint
        said = self._server.greet(size_of(note))
        with self._catching("", said.value | {"older": note}):
            self._memory.trust(greeted(said, self._pinned, self._memory.trusted, note).trusted)
        return self._seen(case, followed)

    def begin(self, case: str, signer: Signer, draft: Drafting) -> RecordedAnswer:
        """Do the deed that opens a case, under an id that is new. Raises as `act`."""
        self.settle(case, signer)
        installation = self.greet()
        followed = self._followed(case, installation)
        # A second opening under the name of a case that is followed would hide the first one.
        if followed.size:
            raise CaseBegunError(case)
        return self._sign(case, self._seen(case, followed), signer, draft)

    def act(self, case: str, signer: Signer, draft: Drafting) -> RecordedAnswer:
        """Do a deed: draft it on the case as it is now, sign, remember, send; the receipt.

        What this key signed before and has no answer is sent first: a key's deeds follow each
        other.

        Raises:
            RefusedDeedError: it was refused, for good.
            WaitingError: it, or one before it, has no answer yet.
            UnpromisedError: the server does not take it as it is, and promises nothing: it waits.
            CaughtError: the server contradicts itself.
            BadEventError: the deed is ill-formed; nothing was signed.
            KeyMayNotSignError: that key may not sign it; nothing was signed.
            UnreadableDeedError: nobody could read it; nothing was signed.
        """
        self.settle(case, signer)
        return self._sign(case, self.look(case), signer, draft)

    def settle(self, case: str, signer: Signer) -> tuple[DeedAnswer, ...]:
        """Send again what this key signed in a case and was not answered; the answers.

        A refusal among them settles that deed and is no error here. Raises as `act`.
        """
        return tuple(
            self._answer(kept.digest, self._sending)
            for kept in self._memory.waiting(case, fingerprint(signer.public_key))
        )

    def send(self, deed: str) -> RecordedAnswer:
        """Send a deed that was signed here, by its digest (hex); the receipt. Raises as `act`.

        One that was answered is not sent again. Raises KeyError: no such deed was signed here.
        """
        return _receipt(self._answer(deed, self._sending))

    def cancel(self, deed: str) -> RecordedAnswer:
        """Take back a deed that has no answer, by its digest (hex): its receipt after all.

        Raises RefusedDeedError `cancelled`: it will never be recorded, or `not-a-signer`: nor could
        it be, by what the case says of its key, and it does not wait here any more; else as `send`.
        """

        def asked(kept: KeptDeed) -> bytes:
            return self._server.cancel(kept.case, kept.sent.submitted.envelope)

        try:
            return _receipt(self._answer(deed, asked))
        except UnpromisedError as error:
            kept = self._memory.deed(deed)
            # By the entries and not by the server's word: it could record what was forgotten here.
            self.look(kept.case)
            if not is_vain(kept.statement, self._cases[kept.case].log.keys):
                raise
            self._memory.drop(deed)
            raise RefusedDeedError(error.code, error.why) from error

    def hand_over(self, case: str, sent: Outgoing) -> RecordedAnswer:
        """Send a deed that this party signed on another machine; the receipt.

        It is kept as one of this machine's: what has no answer is sent again, with the same bytes.
        Raises as `act`.
        """
        # By the payload and not the envelope: another signature under it is the same deed.
        digest = parse_statement_envelope(sent.submitted.envelope).statement.digest
        if not self._memory.knows(digest):
            self._keep(case, sent)
        return self.send(digest)

    @property
    def cases(self) -> tuple[str, ...]:
        """The ids of the cases that are followed here."""
        return self._memory.cases()

    def every_case(self) -> tuple[str, ...]:
        """The ids of all cases of the party: as the server lists them, and those followed here.

        Raises UnheardError.
        """
        # Of both: a server that leaves a case out of its list is not to make the party forget it.
        listed = self._server.cases() if isinstance(self._server, ListsCases) else ()
        return tuple(sorted({*listed, *self.cases}))

    def invitations(self) -> tuple[str, ...]:
        """The ids of cases to which the party is invited, on the server's word alone.

        Raises UnheardError.
        """
        invited = self._server.invitations() if isinstance(self._server, ListsCases) else ()
        return tuple(sorted({*invited} - {*self.cases}))

    @property
    def unanswered(self) -> tuple[KeptDeed, ...]:
        """The deeds that wait for an answer, in the order in which they were signed."""
        return tuple(self._memory.unanswered())

    def answers(self, case: str) -> tuple[bytes, ...]:
        """The answer lines to this party's deeds in a case, in the order in which it signed."""
        return tuple(self._memory.answers(case))

    def _sending(self, kept: KeptDeed) -> bytes:
        try:
            return self._server.send(kept.case, kept.sent)
        except UnpromisedError as error:
            # It goes before each later deed of its key: whoever meets it must learn its name.
            why = (
                f"{error.why}; deed {short_digest(kept.digest)} waits on this machine, before each"
                f" later one: see to that, or touchstone deed cancel {short_digest(kept.digest)}"
            )
            raise UnpromisedError(error.code, why) from error

    def _seen(self, case: str, followed: FollowedCase) -> SeenCase:
        """The case as it is followed now, with its entries as they are remembered."""
        size = followed.size

        def showing() -> Iterator[ShownParts]:
            # Another process may remember more by the time that they are asked for.
            for lines in islice(self._memory.entries(case), size):
                yield [parse_shown_part(loads(line)) for line in lines[1:]]

        return followed.seen(self._party, self._machine, self._told, showing)

    def _sign(self, case: str, seen: SeenCase, signer: Signer, draft: Drafting) -> RecordedAnswer:
        deed = draft(seen)
        require_shown(deed)
        require_able(seen.state, deed.event, signer)
        # Kept before it is sent: what has left this machine may be recorded, whatever is heard.
        sent = self.on_topics(case, seen, deed).sign(deed, signer)
        return self.send(self._keep(case, sent).digest)

    def _keep(self, case: str, sent: Outgoing) -> KeptDeed:
        try:
            return self._memory.keep_deed(case, sent)
        except SeqTakenError as error:
            raise WaitingError(str(error), "another process signed it with this key") from error

    def on_topics(self, case: str, seen: SeenCase, deed: Deed) -> SeenCase:
        """The case with the newest entry of each topic that the deed must name, be it hidden.

        `seen` is the case as `look` gave it. Raises as `look`.
        """
        named = sorted(topics_of(deed.event).must_name)
        # Where all is shown the party reads the topics itself, and need not take anybody's word.
        if not seen.hidden or not named:
            return seen
        told = dict(zip(named, self._server.newest(case, named), strict=True))
        with self._catching(case, {"newest": told}):
            return replace(seen, log=TopicsToldLog(self._cases[case].log, told))

    def _answer(self, deed: str, ask: Callable[[KeptDeed], bytes]) -> DeedAnswer:
        kept = self._memory.deed(deed)
        # An answer is for good: one that was kept is not asked for again, and nobody can change it.
        if kept.answer is None:
            try:
                line = ask(kept)
                self._check_answer(kept, line)
            except UnheardError as error:
                raise WaitingError(deed, str(error)) from error
        else:
            line = kept.answer
        return parse_answer(line).answer

    def _check_answer(self, kept: KeptDeed, line: bytes) -> None:
        """Hold an answer against the entries, and remember it.

        Raises UnheardError where it is not the installation's word on this deed; CaughtError.
        """
        installation = self.greet()
        signed = _word_on(kept, line, installation)
        answer, followed = signed.answer, self._followed(kept.case, installation)
        # Of a case that a refused deed was to begin there is nothing to be read.
        if answer.log is not None:
            followed = self._up_to(
                kept.case,
                installation,
                max(answer.size, followed.size),
                lambda now: now.check_answer(signed, installation.by_name),
            )
        # Only now that it holds against the entries: a kept answer is believed ever after.
        refused = isinstance(signed.answer, RefusedAnswer)
        self._memory.keep_answer(kept.digest, line, refused=refused)
        if refused:
            followed.refused.add(kept.digest)

    def _published(self, case: str) -> tuple[TrustedInstallation, PublishedHead]:
        """The case's newest head, as it stands under the installation's newest key."""
        installation, line = self.greet(), self._server.head(case)
        with suppress(AlteredError, MalformedError):
            return installation, open_head(line, installation.keys)
        # The installation may have changed its key between the two questions.
        installation, line = self.greet(), self._server.head(case)
        with self._catching(case, {"head": _text(line)}):
            return installation, open_head(line, installation.keys)

    def _followed(self, case: str, installation: TrustedInstallation) -> FollowedCase:
        """The case as it was taken in; read anew from what is remembered where that is needed."""
        if case not in self._cases:
            followed = FollowedCase(self._memory.refused(case))
            try:
                for lines in self._memory.entries(case):
                    followed.take_in(lines, installation.keys)
            except (AlteredError, MalformedError) as error:
                raise MemoryFaultError(f"of {case}, {error}") from error
            self._cases[case] = followed
        return self._cases[case]

    def _up_to(
        self, case: str, installation: TrustedInstallation, size: int, check: Check
    ) -> FollowedCase:
        """The case with all entries below a size, kept once `check` holds: it is signed for.

        What goes beyond is nobody's word yet, and whoever speaks for the server could invent it.
        """
        followed = self._followed(case, installation)
        start, known = followed.size, followed.takes_part(self._party)
        try:
            entries = self._taken_in(case, followed, installation, size)
            with self._catching(case, {"size": size, "root": followed.root(followed.size).hex()}):
                check(followed)
                self._check_log(case, followed)
                self._memory.keep_entries(case, start, entries)
        except BaseException:
            # It has taken in what no head covers: from here on it is read anew from what is kept.
            self._cases.pop(case, None)
            raise
        if followed.hides and followed.takes_part(self._party) and not known:
            return self._read_anew(case, followed, installation)
        return followed

    def _taken_in(
        self, case: str, followed: FollowedCase, installation: TrustedInstallation, size: int
    ) -> list[list[bytes]]:
        """The entries from where the case was followed to up to a size, each checked."""
        start, entries = followed.size, list[list[bytes]]()
        with self._catching(case, {"size": size}):
            if size < start:
                raise AlteredError(f"the case had {start} entries and has {size} now")
        if size - start > MOST_NEW:
            raise UnheardError(f"{size - start} new entries are more than are taken at once")
        if size == start:
            return []
        # No more than the head says: what a server goes on to send stands under nothing yet.
        for one in islice(_entries(self._server.news(case, start)), size - start):
            with self._catching(case, {"entry": _outline(one)}):
                followed.take_in(one, installation.keys)
            entries.append(one)
        if followed.size < size:
            raise UnheardError(f"the entries from {followed.size} on did not come")
        return entries

    def _check_log(self, case: str, followed: FollowedCase) -> None:
        # A case's name is the server's own: only the log's id, told by somebody, says which it is.
        told = self._logs.get(case)
        if told is not None and followed.log.log != told:
            raise AlteredError(f"the log of {case} is {followed.log.log}, and {told} was told")

    def _read_anew(
        self, case: str, before: FollowedCase, installation: TrustedInstallation
    ) -> FollowedCase:
        """Ask for all entries again: who has joined may read of earlier ones whose key is whose."""
        # What is shown is more, and the leaves are the same: the root says so below.
        followed = FollowedCase(before.refused)
        entries = self._taken_in(case, followed, installation, before.size)
        with self._catching(case, {"root": followed.root(before.size).hex()}):
            if followed.root(before.size) != before.root(before.size):
                raise AlteredError("the case has other entries than it had")
        self._memory.replace_entries(case, entries)
        self._cases[case] = followed
        return followed

    @contextmanager
    def _catching(self, case: str, told: Mapping[str, Any]) -> Iterator[None]:
        """Keep what the server says beside what it said, where they do not agree."""
        try:
            yield
        except (AlteredError, MalformedError) as error:
            # What was half taken in is read anew from what is remembered.
            self._cases.pop(case, None)
            trusted = self._memory.trusted
            before = {
                "checkpoint": trusted.checkpoint if trusted else None,
                "answers": [_text(line) for line in self._memory.answers(case)[-MOST_ANSWERS:]],
            }
            proof = {"case": case, "what": str(error), "before": before, "told": dict(told)}
            path = write_proof(self._folder, proof)
            raise CaughtError(cut(str(error), 500), path) from error


def _receipt(answer: DeedAnswer) -> RecordedAnswer:
    if isinstance(answer, RefusedAnswer):
        raise RefusedDeedError(answer.code, answer.why)
    return answer


def _word_on(kept: KeptDeed, line: bytes, installation: TrustedInstallation) -> SignedAnswer:
    """The installation's own word on that deed. Raises UnheardError: it may be anybody's."""
    try:
        signed = parse_answer(line)
        signed.verify(installation.by_name.get(signed.key, b""))
    except (AlteredError, MalformedError) as error:
        raise UnheardError(f"what came is no answer of this installation: {error}") from error
    if signed.answer.deed != kept.digest:
        raise UnheardError("the answer that came is about another deed")
    # Else a refusal that names no log could be held against nothing.
    if isinstance(signed.answer, RefusedAnswer) and signed.answer.log != kept.statement.log:
        raise UnheardError("the answer that came is about another log")
    return signed


def _entries(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    """The entries that came, each with the lines of its parts; what is cut short is left out."""
    each = iter(lines)
    entries = iter(lambda: list(islice(each, _LINES)), [])
    return takewhile(lambda one: len(one) == _LINES, entries)


def _outline(entry: Sequence[bytes]) -> list[str]:
    """An entry without what it says: a proof is for others, and it may be for few."""
    return [_text(entry[0]), *(digest_bytes(line) for line in entry[1:])]


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace")
