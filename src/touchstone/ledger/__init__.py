"""Proofs from bytes: canonical lines, commitments, Merkle trees, checkpoints, deeds and bundles.

It does no I/O, holds no key and draws nothing at random: salts, blinds, times and signers are
handed in. The format that it writes is docs/reference/record-format.md; that of
docs/reference/record-format-2.md is in `contract2`.

Begin at `touchstone.ledger.bundles`: `read_bundle(chunks)`.

A proof that raises nothing holds::

    >>> tree = Tree(map(leaf_hash, [b"opened", b"submitted", b"sealed"]))
    >>> verify_inclusion(leaf_hash(b"submitted"), 1, 3, tree.inclusion(1), tree.root())
"""

from touchstone.ledger.bundlelines import (
    BundleHeader,
    BundleItem,
    BundleSummary,
    Erased,
    OlderCheckpoint,
    Opened,
    Part,
    PublishedHead,
    Withheld,
)
from touchstone.ledger.bundles import check_bundle, read_bundle, split_lines, write_bundle
from touchstone.ledger.canonical import (
    MAX_DEPTH,
    MAX_INTEGER,
    MAX_LINE,
    digest_bytes,
    digest_value,
    dumps,
    loads,
)
from touchstone.ledger.deeds import Deed, SignedDeed, parse_envelope, sign_deed
from touchstone.ledger.entries import (
    MAX_PART,
    MAX_PARTS,
    Entry,
    LogState,
    commit_part,
    parse_entry,
    verify_lines,
)
from touchstone.ledger.errors import (
    AlteredError,
    MalformedError,
    RefusedDeedError,
    UnpromisedError,
)
from touchstone.ledger.heads import CaseHead, blind_head, parse_head
from touchstone.ledger.keylines import REVOKED, KeyHistory, KeyLine, parse_key_line
from touchstone.ledger.merkle import (
    EMPTY_ROOT,
    Frontier,
    Tree,
    leaf_hash,
    node_hash,
    verify_consistency,
    verify_inclusion,
)
from touchstone.ledger.notes import (
    Checkpoint,
    SignedNote,
    cosign,
    open_checkpoint,
    parse_checkpoint,
    parse_note,
    sign_checkpoint,
    verify_cosignature,
)
from touchstone.ledger.parts import parse_content, parse_facts
from touchstone.ledger.signing import Signer, check_signature, fingerprint, has_small_order
from touchstone.ledger.vkeys import VerifierKey, parse_vkey

__all__ = [
    "EMPTY_ROOT",
    "MAX_DEPTH",
    "MAX_INTEGER",
    "MAX_LINE",
    "MAX_PART",
    "MAX_PARTS",
    "REVOKED",
    "AlteredError",
    "BundleHeader",
    "BundleItem",
    "BundleSummary",
    "CaseHead",
    "Checkpoint",
    "Deed",
    "Entry",
    "Erased",
    "Frontier",
    "KeyHistory",
    "KeyLine",
    "LogState",
    "MalformedError",
    "OlderCheckpoint",
    "Opened",
    "Part",
    "PublishedHead",
    "RefusedDeedError",
    "SignedDeed",
    "SignedNote",
    "Signer",
    "Tree",
    "UnpromisedError",
    "VerifierKey",
    "Withheld",
    "blind_head",
    "check_bundle",
    "check_signature",
    "commit_part",
    "cosign",
    "digest_bytes",
    "digest_value",
    "dumps",
    "fingerprint",
    "has_small_order",
    "leaf_hash",
    "loads",
    "node_hash",
    "open_checkpoint",
    "parse_checkpoint",
    "parse_content",
    "parse_entry",
    "parse_envelope",
    "parse_facts",
    "parse_head",
    "parse_key_line",
    "parse_note",
    "parse_vkey",
    "read_bundle",
    "sign_checkpoint",
    "sign_deed",
    "split_lines",
    "verify_consistency",
    "verify_cosignature",
    "verify_inclusion",
    "verify_lines",
    "write_bundle",
]
