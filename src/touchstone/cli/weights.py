"""`touchstone weights`: a set of weights from its manifest to a folder that holds nothing else."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from touchstone.cli.confirming import confirm
from touchstone.cli.document import (
    ThereError,
    bring,
    drawn_id,
    fetch_into,
    marking_for,
    own_documents,
    same_readers,
)
from touchstone.cli.hands import ANYWHERE, HERE, AtServer, CaseId, Where, hand_of, refusals
from touchstone.cli.output import Json, tell, warn
from touchstone.cli.typed import digest_of, digest_of_file, name_of
from touchstone.errors import BadInputError

if TYPE_CHECKING:
    from touchstone.clearance import Marking
    from touchstone.client.party_case import PartyCase
    from touchstone.deeds.deed import Deed
    from touchstone.evaluation.weights import WeightsManifest
    from touchstone.service.access.documents_handed_in import ShownDocument

DONE = 0
_MEDIA = "application/octet-stream"
_SHOWN = 20
"""Files that are shown before they are handed in; the rest are counted."""
weights = App(name="weights", help="Name a set of weights, hand it in, and fetch it again.")


@dataclass(frozen=True)
class _Set:
    """A set of weights: its digest, and what it comes to."""

    digest: str
    files: int
    size: int
    written: str | None
    """The file of its manifest, or the folder, that was written."""
    case: str | None = None

    def lines(self) -> Iterator[str]:
        """For people."""
        yield f"{self.digest}: {self.files} files, {self.size} bytes"
        if self.written is not None:
            yield f"Written: {self.written}"
        if self.written is None or self.case is None:
            yield f'In SUBMISSION.toml, at its variant: weights = "{self.digest}"'

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


@weights.command
def manifest(folder: Path, *, out: Path | None = None, json: Json = False) -> int:
    """Name all files of a folder by one digest, on your machine; nothing is sent.

    A link, a hidden name such as `.git`, an empty file or folder, or a name that is not the same on
    every system is refused, and nothing is passed over.
    For example: touchstone weights manifest model/ --out weights.json

    Args:
        folder: The folder; all that it holds is of the set.
        out: Write the manifest to this file, which must not be there and not lie in the folder.
    """
    from touchstone.evaluation.weights import manifest_of
    from touchstone.keys.files import write_file

    if out is not None and out.exists():
        raise BadInputError(f"--out: {out}: is there already; name another")
    if out is not None and out.resolve().is_relative_to(folder.resolve()):
        raise BadInputError(f"--out: {out}: lies in the folder, of whose set it would be")
    found = manifest_of(folder)
    if out is not None:
        write_file(out, [found.data])
    written = str(out) if out is not None else None
    tell(_Set(found.digest, len(found.files), found.size, written), json=json)
    return DONE


@weights.command
def add(
    case: CaseId,
    folder: Path,
    *,
    expects: Annotated[Path | None, Parameter(name="--manifest")] = None,
    reader: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    where: Where = HERE,
) -> int:
    """Hand a set of weights in: each file as a document, then the manifest that names them all.

    All of it is shown and asked for once. What was broken off goes on with the same command; with
    other readers all of it is handed in anew, for these.
    For example: touchstone weights add case-1 model/ --reader example-centre --as example-lab
    --server https://review.example

    Args:
        folder: The folder; all that it holds is of the set.
        expects: The manifest that it must come to, as `weights manifest` wrote it.
        reader: Who may read it beside its party; may be given again. Default: every party.
    """
    from touchstone.evaluation.weights import WEIGHTS_FILE, manifest_of
    from touchstone.review.events.opening import WEIGHTS_MANIFEST

    if where.to_file is not None:
        raise BadInputError("--to-file: weights are sent before their deeds, to a server")
    if where.party is None and where.server is None:
        raise BadInputError("--as: name the party that hands them in")
    readers = tuple(name_of("--reader", each) for each in reader)
    found = manifest_of(folder)
    if expects is not None:
        _check_expected(expects, found)
    _check_developer(where, case)
    if not where.yes:
        asked = f"Hand in these {len(found.files)} files? [y/N] "
        confirm(_shown(found), asked, "hand in", "nothing was handed in")
    handing = _Handing(replace(where, yes=True), case, readers)
    for digest, path in {each.digest: each.path for each in found.files}.items():
        handing.hand_in(folder / path, digest, WEIGHTS_FILE, path)
    # Last: whoever reads it finds each file that it names.
    with TemporaryDirectory() as beside:
        file = Path(beside, "manifest.json")
        file.write_bytes(found.data)
        handing.hand_in(file, found.digest, WEIGHTS_MANIFEST, file.name)
    if handing.anew:
        warn(f"{handing.anew} of these were there for other readers, who keep them: handed in anew")
    told = _Set(found.digest, len(found.files), found.size, None, case)
    tell(told, json=where.json)
    return DONE


@weights.command
def get(case: CaseId, digest: str, *, out: Path, where: AtServer = ANYWHERE) -> int:
    """Fetch a set of weights into a folder that holds exactly the files of its manifest.

    What was broken off goes on with the same command. For example: touchstone weights get case-1
    sha256:... --out model --as example-centre --server https://review.example

    Args:
        digest: The digest of its manifest, as the submission's variant names it.
        out: The folder, which must not be there.
    """
    from touchstone.evaluation.weights import manifest_of
    from touchstone.keys.files import move_folder
    from touchstone.service.access.documents_handed_in import TYPE, shown_documents

    digest_of("DIGEST", digest)
    if out.exists():
        raise BadInputError(f"--out: {out}: is there already; name another")
    with where.hand as hand:
        known = hand.look(case)
        # The developer's alone: anybody may hand in the same manifest, without its files.
        of = known.state.having("developer")
        there = [each for each in shown_documents(known.entries_of(TYPE)) if each.by in of]
    fetching = _Fetching(where, known.id, known.by)
    # Beside it, so that nobody loads half a set for a whole one.
    part = out.with_name(f".{out.name}.part")
    try:
        told, documents = fetching.manifest(digest, there)
        for each in told.files:
            place = part / each.path
            place.parent.mkdir(parents=True, exist_ok=True)
            fetching.document(documents[each.digest], place)
        # Of what lies on the disk now: something else may lie beside it, which would be loaded too.
        if manifest_of(part) != told:
            raise BadInputError(f"{part}: holds what is not of the set: remove it, fetch again")
        move_folder(part, out)
    except OSError as error:
        raise BadInputError(f"{out}: cannot be written: {error.strerror}") from error
    tell(_Set(digest, len(told.files), told.size, str(out), known.id), json=where.json)
    return DONE


@dataclass
class _Handing:
    """How the files of one set are handed in."""

    where: Where
    case: str
    readers: tuple[str, ...]
    anew: int = 0
    """How many were there for other readers alone."""

    def hand_in(self, file: Path, digest: str, kind: str, name: str) -> None:
        """Hand a file in, unless it is there. Raises BadInputError: it has changed."""
        from touchstone.deeds.cases import document_handed_in
        from touchstone.deeds.deed import SentEvidence

        def check_new(known: "PartyCase", marking: "Marking") -> bool:
            there = [each for each in own_documents(known, digest) if each.kind == kind]
            if any(same_readers(each.marking, marking) for each in there):
                raise ThereError(f"{name} is there already")
            return bool(there)

        def draft(known: "PartyCase") -> "Deed":
            marking = marking_for(known, self.readers)
            self.anew += check_new(known, marking)
            part = SentEvidence(digest, file.stat().st_size, _MEDIA, name, marking)
            return document_handed_in(known, known.by, drawn_id(known), kind, part)

        with hand_of(self.where) as hand, suppress(ThereError):
            # Before its bytes: what was handed in is not sent again.
            known = hand.look(self.case)
            check_new(known, marking_for(known, self.readers))
            if digest_of_file(file) != digest:
                raise BadInputError(f"{file}: has changed since its digest was taken; begin anew")
            with refusals():
                whole = bring(self.where, self.case, file, digest)
            hand.act(whole, draft)


@dataclass(frozen=True)
class _Fetching:
    """How the files of one set are fetched."""

    where: AtServer
    case: str
    by: str

    def manifest(
        self, digest: str, there: "list[ShownDocument]"
    ) -> "tuple[WeightsManifest, dict[str, ShownDocument]]":
        """The manifest of a digest, and by digest the document of each of its files.

        `there` are the developer's documents that are open to the party.

        Raises BadInputError: no such manifest is open to the party, or not all of its files.
        """
        from touchstone.evaluation.weights import MOST_MANIFEST, WEIGHTS_FILE, parse_weights
        from touchstone.review.events.opening import WEIGHTS_MANIFEST

        # The same bytes each, were they handed in again for other readers.
        found = [e for e in there if (e.kind, e.digest) == (WEIGHTS_MANIFEST, digest)]
        if not found or found[0].size > MOST_MANIFEST:
            raise BadInputError(
                f"DIGEST: no manifest of weights with it is open to {self.by}; see:"
                " touchstone document list"
            )
        with TemporaryDirectory() as beside:
            file = Path(beside, "manifest.json")
            self.document(found[0], file)
            told = parse_weights(file.read_bytes(), f"manifest {found[0].document}")
        known = {e.digest: e for e in there if e.kind == WEIGHTS_FILE}
        for each in told.files:
            if each.digest not in known or known[each.digest].size != each.size:
                raise BadInputError(f"{each.path!a}: is of the set, and not open to {self.by}")
        return told, known

    def document(self, wanted: "ShownDocument", place: Path) -> None:
        """Fetch a document to a place, where some of it may lie. Raises BadInputError, OSError."""
        if fetch_into(self.where, self.case, self.by, wanted, place) != wanted.digest:
            place.unlink()
            raise BadInputError(
                f"{wanted.name}: what came is not what its deed names, and was thrown away: fetch"
                " it again"
            )


def _check_developer(where: Where, case: str) -> None:
    """Refuse a set of another party: none is named by a submission, or fetched. BadInputError."""
    with hand_of(where) as hand:
        known = hand.look(case)
    if known.by not in known.state.having("developer"):
        raise BadInputError(
            f"--as: {known.by} is not the developer of the case, whose sets of weights alone are"
            " fetched; to hand a file in: touchstone document add"
        )


def _check_expected(file: Path, found: "WeightsManifest") -> None:
    """Refuse a folder that is not what a manifest says. Raises BadInputError."""
    from touchstone.evaluation.weights import MOST_MANIFEST, differences, parse_weights

    try:
        with file.open("rb") as data:
            told = parse_weights(data.read(MOST_MANIFEST + 1), str(file))
    except OSError as error:
        raise BadInputError(f"{file}: cannot be read: {error.strerror}") from error
    if other := differences(told, found):
        more = f", and {len(other) - 3} more" if other[3:] else ""
        raise BadInputError(f"not the set of {file}: {', '.join(other[:3])}{more}")


def _shown(found: "WeightsManifest") -> Iterator[str]:
    """A set before it is handed in."""
    yield f"weights {found.digest}: {len(found.files)} files, {found.size} bytes"
    for each in found.files[:_SHOWN]:
        yield f"  {each.path}: {each.size} bytes, {each.digest}"
    if len(found.files) > _SHOWN:
        yield f"  and {len(found.files) - _SHOWN} more; `weights manifest --out` writes them all"
