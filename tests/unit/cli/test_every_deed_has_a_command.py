"""Every type of deed that a person does has a command, here, by a server and in a file."""

import pytest

from support.every_command import arguments, commands
from touchstone.cli.app import app
from touchstone.review.rules import RULES

BY_COMMAND = {
    "release-announced": "release announce",
    "review-withdrawn": "review withdraw",
    "participation-noted": "participation set",
    "inquiry-asked": "inquiry ask",
    "inquiry-answered": "inquiry answer",
    "clock-anchored": "clock lay",
    "clock-paused": "clock pause",
    "clock-resumed": "clock resume",
    "clock-extended": "clock extend",
    "clock-ended": "clock end",
    "seed-committed": "seed commit",
    "seed-contributed": "seed contribute",
    "seed-revealed": "seed reveal",
    "review-halted": "review halt",
    "review-resumed": "review resume",
    "finding-signed": "finding sign",
    "outside-finding-signed": "finding sign",
    "finding-responded": "finding respond",
    "finding-disputed": "finding dispute",
    "finding-rerun": "finding rerun",
    "evidence-declared": "evidence declare",
    "questions-answered": "questionnaire answer",
    "outside-evidence-imported": "evidence import",
    "designation-proposed": "designation propose",
    "designation-concurred": "designation concur",
    "designation-dissented": "designation dissent",
    "designation-made": "designation make",
    "designation-revised": "designation revise",
    "postponement-requested": "postponement request",
    "postponement-answered": "postponement answer",
    "release-compared": "release compare",
    "case-closed": "review close",
    "party-invited": "party invite",
    "party-joined": "party join",
    "signer-admitted": "party signers admit",
    "signer-removed": "party signers remove",
    "party-key-rotated": "party rotate",
    "party-reinvited": "party reinvite",
    "recovery-objected": "party object",
    "party-uninvited": "party remove",
    "party-removed": "party remove",
    "party-left": "party leave",
    "party-rejoined": "party rejoin",
    "terms-offered": "terms offer",
    "terms-countered": "terms counter",
    "terms-agreed": "terms agree",
    "terms-declined": "terms decline",
    "directive-issued": "directive issue",
    "directive-lifted": "directive lift",
    "document-handed-in": "document add",
    "directive-answered": "directive answer",
    "directive-answer-revised": "directive answer",
    "bundle-published": "terms bundle",
    "receipt-noted": "directive status",
    "standing-classes-authorised": "directive standing",
    "agreement-signed": "agreement sign",
    "submission-received": "submission hand-in",
    "submission-assessed": "submission assess",
    "report-issued": "review issue",
    "case-destroyed": "review destroy",
}
"""By type of deed its command, which can be done by whichever hand."""
BY_THE_INSTRUMENT = {
    "battery-sealed": "drawn from a seed that nobody may know, as a review begins",
    "snapshot-seen": "what an endpoint calls itself, asked while samples run",
    "snapshot-changed": "the same, where another model answers",
    "outcomes-recorded": "what each sample came to, as it ends",
    "verdict-reached": "what the outcomes say, by a rule fixed beforehand",
    "sandbox-breached": "what the sandbox saw, at once",
    "transcripts-graded": "what a model flagged that was asked about its transcripts",
    "transcripts-scanned": "what detectors flagged in its transcripts, once all samples ran",
    "measuring-stopped": "why a run ended before its battery",
}
"""Deeds of measuring: `review run` does them as they come, and nobody types them."""
BY_THE_INSTALLATION = {
    "reads-digested": "who read what of a day that is over: `serve` does it, or `reads record`",
}
"""Deeds of no party, which an installation signs itself."""
EARLIER = {"party-admitted": "parties join by their own keys: only records of contract 1 have it"}
HANDS = {"--as", "--server", "--trust", "--to-file", "--yes", "--json"}
"""What every command of a deed takes."""

EVERY = {" ".join(words): command for words, command in commands(app)}


def options(command: str) -> set[str]:
    return {name for each in arguments(EVERY[command]) for name in each.names}


def test_every_type_of_deed_has_its_command_or_a_reason():
    types = [kind.model_fields["type"].default for kind in RULES]
    named = [*BY_COMMAND, *BY_THE_INSTRUMENT, *BY_THE_INSTALLATION, *EARLIER]
    assert sorted(types) == sorted(named)
    reasons = (BY_THE_INSTRUMENT, BY_THE_INSTALLATION, EARLIER)
    assert all(reason for each in reasons for reason in each.values())


@pytest.mark.parametrize("command", sorted({*BY_COMMAND.values()}))
def test_a_command_of_a_deed_takes_every_hand(command: str):
    assert options(command) >= HANDS
    said = EVERY[command].help
    assert "For example: touchstone " + command in " ".join(said.split()), said


@pytest.mark.parametrize("command", ["clock show", "finding show", "designation show"])
def test_a_question_is_asked_here_and_of_a_server_and_signs_nothing(command: str):
    assert options(command) >= {"--as", "--server", "--trust", "--json"}
    assert not options(command) & {"--yes", "--to-file"}
