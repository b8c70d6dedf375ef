"""What this machine can do, what is missing, and how to fix it."""

import contextlib
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urlsplit

from touchstone.errors import TouchstoneError
from touchstone.evaluation.errors import FamilyError
from touchstone.evaluation.families.base import Family
from touchstone.evaluation.families.loading import load_family
from touchstone.evaluation.packs.family import load_packs
from touchstone.evaluation.proving import prove_family
from touchstone.evaluation.sandbox import SandboxConfig, at_least, preflight
from touchstone.ledger import parse_vkey
from touchstone.ledger.notes import COSIGNATURE_V1
from touchstone.records import DATABASE, DATABASE_OWNER, prepare
from touchstone.records.preparation import check
from touchstone.records.settings import connect, reader_from_environment
from touchstone.records.walls import PartyConnection
from touchstone.service.checks import Check
from touchstone.service.configuration import CONFIGURATION, read_configuration
from touchstone.service.errors import ConfigurationError
from touchstone.service.homes import home_folder
from touchstone.service.installation import Installation, open_installation

LEAST_PYTHON = (3, 11)
LEAST_FREE = 1 << 30


def examine() -> list[Check]:
    """Look at interpreter, disk, installation, sandbox and the families' needs."""
    checks: list[Callable[[], list[Check]]] = [
        _python,
        _disk,
        _database,
        _installation,
        _sandbox,
        _families,
    ]
    return [check for look in checks for check in look()]


def _python() -> list[Check]:
    version = ".".join(map(str, sys.version_info[:3]))
    ok = sys.version_info >= LEAST_PYTHON
    return [Check("Python", ok, version, "" if ok else "install Python 3.11 or newer")]


def _disk() -> list[Check]:
    home = home_folder()
    there = next(path for path in (home, *home.parents) if path.exists())
    if not there.is_dir():
        fix = "set TOUCHSTONE_HOME to a folder, or move that file away"
        return [Check("Home", ok=False, found=f"{home}: {there} is no folder", fix=fix)]
    free = shutil.disk_usage(there).free
    ok = free >= LEAST_FREE and os.access(there, os.W_OK)
    fix = "" if ok else "make room, or set TOUCHSTONE_HOME to a folder that you may write"
    return [Check("Home", ok, f"{home}, {free / (1 << 30):.1f} GiB free", fix)]


def prepare_record() -> str:
    """Make the record's tables or bring them up to date; says what was done.

    Raises:
        DatabaseSettingError: a setting cannot be used.
        UnreachableError: the database does not answer, or denies.
    """
    separate = prepare(home_folder())
    if not os.environ.get(DATABASE):
        return "Prepared: SQLite, one file that its owner alone may read."
    if separate:
        reading = " Its reader sees a party's own rows." if reader_from_environment() else ""
        return f"Prepared: PostgreSQL; the application's role owns no table.{reading}"
    return (
        "Prepared: PostgreSQL; the application's own role owns the tables and could drop their "
        f"triggers. Mend: set {DATABASE_OWNER} to another role, as docs/how-to/postgresql.md says."
    )


def _database() -> list[Check]:
    """Which database, whether it answers, and whether its tables are there."""
    named = os.environ.get(DATABASE)
    if not named:
        return [Check("Database", ok=True, found="SQLite, in the home folder", fix="")]
    address = urlsplit(named)
    # Never the address itself: it may hold a password.
    found = f"PostgreSQL, {address.path.strip('/')[:63]!r}"
    try:
        check(connect(home_folder(), named))
    except TouchstoneError as error:
        return [Check("Database", ok=False, found=found, fix=str(error))]
    return [Check("Database", ok=True, found=f"{found} answers", fix=""), _wall(named)]


def _wall(database: str) -> Check:
    """Whether what is read for parties is read behind row-level security."""
    name, reader = "Second wall", reader_from_environment()
    if reader is None:
        return Check(name, ok=True, found="none: no server can read for parties", fix="")
    connection = PartyConnection(home_folder(), connect(home_folder(), database), reader)
    try:
        with connection.of(""):
            pass
    except TouchstoneError as error:
        return Check(name, ok=False, found="does not hold", fix=str(error))
    return Check(name, ok=True, found="a party is shown its own rows alone", fix="")


def _installation() -> list[Check]:
    if not (home_folder() / "keys").exists():
        return [Check("Installation", ok=True, found="new: made by the first review", fix="")]
    try:
        with open_installation() as installation:
            cases = len(installation.records.cases())
            if amiss := installation.amiss:
                return [
                    Check("Installation", ok=False, found="something is amiss", fix=m)
                    for m in amiss
                ]
            fingerprint = installation.keyring.history.lines[0].fingerprint
            witnesses = _witnesses(installation)
    except TouchstoneError as error:
        return [Check("Installation", ok=False, found="cannot be opened", fix=str(error))]
    found = f"{cases} cases, key {fingerprint}"
    return [Check("Installation", ok=True, found=found, fix=""), *witnesses]


def _witnesses(installation: Installation) -> list[Check]:
    """How much of the log each configured witness has cosigned, as far as was kept."""
    log = installation.records.installation
    rows = []
    # What is wrong with the file is said where its families are looked at.
    with contextlib.suppress(ConfigurationError):
        for witness in read_configuration(installation.home).witnesses:
            size = log.cosigned_size(parse_vkey(witness.vkey, COSIGNATURE_V1))
            fix = "" if size else "touchstone witness ask"
            found = f"cosigned {size} heads of {log.size}" if size else "has cosigned nothing"
            rows.append(Check(f"Witness {witness.name}", bool(size), found, fix))
    return rows


def _sandbox() -> list[Check]:
    found = preflight()
    rows = [Check("Sandbox grade", found.grade != "none", found.grade, "")]
    rows += [
        Check(
            f"  {guard.name}",
            guard.held,
            guard.why if guard.held else "does not hold",
            "" if guard.held else guard.why,
        )
        for guard in found.guards
    ]
    rows += [Check(f"  {what}", ok=False, found="missing", fix=fix) for what, fix in found.missing]
    rows.append(
        Check(
            "  Python in the sandbox",
            bool(found.python),
            found.python or "none",
            "" if found.python else "install python3 from the distribution",
        )
    )
    return rows


def _families() -> list[Check]:
    """What each family needs, and whether its sandboxes and its judge prove themselves."""
    grade = preflight().grade
    try:
        said = read_configuration(home_folder()).families
        chosen = said.choice()
    except TouchstoneError as error:
        return [Check(CONFIGURATION, ok=False, found="cannot be used", fix=str(error))]
    rows, fit = [], list[Family]()
    for name, distribution in chosen.named.items():
        row, family = _family(name, distribution, grade)
        rows.append(row)
        if family is not None:
            fit.append(family)
    rows += [_pack(name) for name in said.packs]
    config = SandboxConfig(grade=grade).model_dump(mode="json")
    return rows + [
        Check(
            f"  {proof.family}, tried",
            not proof.fault,
            f"known command and known answers, {proof.seconds:.1f} s",
            proof.fault,
        )
        for proof in prove_family(fit, config)
    ]


def _pack(name: str) -> Check:
    """A registered pack's row: whose it is. Its items are tried by nobody but its own scorer."""
    try:
        pack, code = load_packs(home_folder(), [name])[name]
    except FamilyError as error:
        return Check(f"Pack {name}", ok=False, found="cannot be run", fix=str(error))
    found = f"{pack.version} of {pack.mark.owner}, {len(pack.seeds)} items, {code.digest}"
    return Check(f"Pack {name}", ok=True, found=found, fix="", made_by=code.model_dump(mode="json"))


def _family(name: str, distribution: str, grade: str) -> tuple[Check, Family | None]:
    """A family's row, which says whose code it is; the family itself where it can be tried."""
    from_where = {"distribution": distribution}
    try:
        family, code = load_family(name, distribution)
    except FamilyError as error:
        row = Check(f"Family {name}", ok=False, found=f"from {distribution}", fix=str(error))
        return replace(row, made_by=from_where), None
    lacking = [need for need in family.needs if not shutil.which(need)]
    ok = at_least(grade, family.least_grade) and not lacking
    came = f"{family.version}, from {code.distribution} {code.version}"
    found = ", ".join((came, f"asks for {family.least_grade}", *family.needs))
    fix = f"install {', '.join(lacking)}" if lacking else "" if ok else "a stronger sandbox"
    row = Check(f"Family {name}", ok, found, fix, made_by=code.model_dump(mode="json"))
    return row, family if ok else None
