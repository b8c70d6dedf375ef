"""`touchstone pack`: somebody's Inspect tasks, looked at and registered, in a process apart."""

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import anyio
from cyclopts import App, Parameter

from touchstone.cli.output import Json, show, show_json, tell, waiting
from touchstone.cli.pack_private import add_to
from touchstone.errors import BadInputError

if TYPE_CHECKING:
    from touchstone.evaluation.outcomes import Outcome
    from touchstone.evaluation.packs.apart import ProcessLimits
    from touchstone.evaluation.packs.mark import PackMark
    from touchstone.evaluation.packs.private_file import SealedHeader
    from touchstone.evaluation.packs.relay import RoleEndpoint

DONE, NO = 0, 1
MOST_CHUNK = 1000
pack = App(
    name="pack",
    help="Check, register, show, run, seal or open a pack: somebody's Inspect task, run apart.",
)
add_to(pack)
Roles = Annotated[list[str] | None, Parameter(negative="", consume_multiple=False)]
Seconds = Annotated[int, Parameter(help="Wall time that the pack's process may take.")]
Memory = Annotated[int, Parameter(help="Memory that the pack's process may use, in MiB.")]


@pack.command
def check(
    folder: Path,
    *,
    submission: Path | None = None,
    mode: str | None = None,
    role: Roles = None,
    items: int = 3,
    seconds: Seconds = 3600,
    memory: Memory = 2048,
    json: Json = False,
) -> int:
    """Make a pack's task in a process apart, and say what of it cannot be sealed.

    With a SUBMISSION.toml its first items are run against the model, and what became of each is
    told: the endpoint's key stays here. Exit 1: it cannot be registered, or an item gave no result
    of the model's.

    Args:
        folder: The pack's folder, in which pack.toml stands.
        submission: Whose model the items are run against.
        mode: The mode of the submission; default: its first.
        role: A model beside the subject, such as grader=GRADER.toml; may be repeated.
        items: How many items are run.
    """
    from touchstone.evaluation.packs.source import read_pack
    from touchstone.evaluation.packs.trying import check_pack

    if submission is None and (mode is not None or role):
        raise BadInputError("--mode and --role go with --submission: name one")
    if items < 1:
        raise BadInputError("--items: write at least 1")
    asked = {} if submission is None else _asked(submission, mode, role or [])
    source, bounds = read_pack(folder), _bounds(seconds, memory)
    ran = f", and running {items} of its items" if asked else ""
    with waiting(f"making the task of {source.manifest.id} in a process apart{ran}"):
        found = anyio.run(check_pack, source, asked, items, bounds, _assets())
    tell(found, json=json)
    if found.good and not json:
        show(f"next: touchstone pack register {folder}")
    return DONE if found.good else NO


@pack.command
def register(
    folder: Path, *, seconds: Seconds = 3600, memory: Memory = 2048, json: Json = False
) -> int:
    """Write a pack's items out as data, once, and keep them with its code under their digests.

    The digests are the same on every machine and at every load. The items are the pack's secret:
    they are kept in TOUCHSTONE_HOME for this user alone, and none is printed.

    A sealed file is kept as it came, and opened in memory where it runs.

    Args:
        folder: The pack's folder, in which pack.toml stands; or a sealed file.
    """
    from touchstone.evaluation.packs.registering import make_task
    from touchstone.evaluation.packs.registering import register as keep
    from touchstone.evaluation.packs.source import read_pack

    if folder.is_file():
        _keep_sealed(folder, json=json)
        return DONE
    source = read_pack(folder)
    with waiting(f"making the task of {source.manifest.id} in a process apart"):
        made = anyio.run(make_task, source, _bounds(seconds, memory), _assets())
        kept = keep(source, made, _home())
    _show(kept.pack.id, json=json)
    if not json:
        _tell_next(kept.pack.id)
    return DONE


def _keep_sealed(file: Path, *, json: bool) -> None:
    from touchstone.evaluation.packs.private_file import read_header, read_sealed
    from touchstone.evaluation.packs.registering import register_sealed

    data = read_sealed(file)
    header = read_header(data, str(file))
    register_sealed(data, header, _home())
    _show_header(header, json=json)
    if not json:
        show("next: name its key, or its shares, in TOUCHSTONE_PACK_KEYS wherever it is to run")
        _tell_next(header.id)


def _show_header(header: "SealedHeader", *, json: bool) -> None:
    if json:
        show_json(header.model_dump(mode="json"))
    for line in [] if json else header.lines():
        show(line)


def _tell_next(name: str) -> None:
    from touchstone.service.configuration import CONFIGURATION

    show(f"next: touchstone pack run {name} --submission SUBMISSION.toml --out runs")
    show(f'in reviews: packs = ["{name}"] below [families] in {_home() / CONFIGURATION}')


@pack.command(name="run")
def run_pack(
    name: str,
    *,
    submission: Path,
    out: Path,
    mode: str | None = None,
    role: Roles = None,
    chunk: int = 16,
    seconds: Seconds = 3600,
    memory: Memory = 2048,
    json: Json = False,
) -> int:
    """Run a registered pack's items against a submission's model, chunk by chunk, apart.

    Nothing of it stands in a record. The same command goes on where one was stopped: what the model
    had answered is never asked again, and the first outcome of an item stands. Exit 1: an item gave
    no result of the model's.

    Args:
        name: The pack's id.
        submission: Whose model is asked.
        out: Folder for journals and Inspect's logs, which hold items; made for this user alone.
        mode: The mode of the submission; default: its first.
        role: A model beside the subject, such as grader=GRADER.toml; may be repeated.
        chunk: Items in one process of the pack: it sees these together.
    """
    from touchstone.evaluation.packs.chunk import run_pack_chunk
    from touchstone.evaluation.packs.registering import registered
    from touchstone.evaluation.packs.running import PackSettings

    if not 1 <= chunk <= MOST_CHUNK:
        raise BadInputError(f"--chunk: write 1 to {MOST_CHUNK}")
    found, asked = registered(_home(), name), _asked(submission, mode, role or [])
    settings = PackSettings(process=_bounds(seconds, memory), assets=_assets())
    outcomes: list[Outcome] = []
    with waiting(f"running {name}") as say:
        for first in range(0, len(found.items), chunk):
            places = range(first, min(first + chunk, len(found.items)))
            say(f"running {name}: {first} of {len(found.items)} items done")
            outcomes += run_pack_chunk(found, places, asked, out, settings)
    if json:
        show_json([each.model_dump(mode="json") for each in outcomes])
    else:
        _tell_outcomes(found.pack, outcomes)
    return NO if any(each.cause for each in outcomes) else DONE


def _tell_outcomes(mark: "PackMark", outcomes: "list[Outcome]") -> None:
    show(f"as {mark} states it:")
    for each in outcomes:
        calls = f"{each.calls} call{'' if each.calls == 1 else 's'}"
        show(f"item {each.index}: {each.result}, {calls}; {each.reason}")
    for result, count in sorted(Counter(each.result for each in outcomes).items()):
        show(f"{count} {result}")


@pack.command(name="show")
def show_pack(name: str | None = None, *, json: Json = False) -> int:
    """Show a registered pack: whose it is, its digests, how its scores count; no item.

    Args:
        name: The pack's id; default: list those that are registered.
    """
    from touchstone.evaluation.packs.registering import names

    if name is not None:
        _show(name, json=json)
        return DONE
    found = names(_home())
    if json:
        show_json(found)
    for each in [] if json else found:
        show(each)
    if not json and not found:
        show("No pack is registered here. Register one: touchstone pack register FOLDER")
    return DONE


def _show(name: str, *, json: bool) -> None:
    from touchstone.evaluation.packs.errors import PackError
    from touchstone.evaluation.packs.registering import registered, sealed_header
    from touchstone.evaluation.packs.trying import lines_of

    try:
        found = registered(_home(), name)
    except PackError as error:
        header = sealed_header(_home(), name)
        if header is None:
            raise
        # Without a key, too, one may see what is registered: as anybody may who has the file.
        _show_header(header, json=json)
        if not json:
            show(f"its items and code stay closed: {error}")
        return
    if json:
        kept = found.model_dump(mode="json", exclude={"items", "files"})
        show_json({**kept, "items": found.item_digests, "digest": found.digest})
        return
    for line in lines_of(found):
        show(line)
    people = found.source().manifest.people
    for line in people.lines() if people else []:
        show(line)


def _home() -> Path:
    from touchstone.service.homes import check_home, home_folder

    return check_home(home_folder())


def _assets() -> Path:
    from touchstone.evaluation.assets.store import store_folder
    from touchstone.service.homes import home_folder

    return store_folder(home_folder())


def _bounds(seconds: int, memory: int) -> "ProcessLimits":
    from touchstone.evaluation.packs.apart import ProcessLimits

    if seconds < 1:
        raise BadInputError("--seconds: write at least 1")
    if not 512 <= memory <= 65536:  # noqa: PLR2004 - Inspect's own needs, and what a sandbox can have
        raise BadInputError("--memory: write 512 to 65536")
    return ProcessLimits(seconds=seconds, memory_mib=memory)


def _asked(submission: Path, mode: str | None, roles: list[str]) -> dict[str, "RoleEndpoint"]:
    found = {"subject": _endpoint(submission, mode)}
    for each in roles:
        name, equals, path = each.partition("=")
        # The subject is the submission's alone: a role of that name would take its place unseen.
        if not equals or not path or name == "subject":
            raise BadInputError(f"--role {each!a}: write a role and a file, such as grader=G.toml")
        found[name] = _endpoint(Path(path), None)
    return found


def _endpoint(path: Path, mode: str | None) -> "RoleEndpoint":
    from touchstone.evaluation import load_submission
    from touchstone.evaluation.errors import EndpointKeyMissingError
    from touchstone.evaluation.packs.relay import RoleEndpoint

    submission = load_submission(path)
    chosen = submission.modes[0] if mode is None else submission.mode(mode)
    key = os.environ.get(chosen.api_key_env, "")
    # Before anything runs: later it would look like an endpoint that fails.
    if not key:
        raise EndpointKeyMissingError(f"no key: set {chosen.api_key_env} in the environment")
    return RoleEndpoint(chosen, key)
