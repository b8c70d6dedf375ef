"""Where an installation lies: a folder that nobody else may write, or swap for another."""

import grp
import os
import pwd
import stat
from pathlib import Path

import platformdirs

from touchstone.service.errors import UnsafeHomeError

HOME = "TOUCHSTONE_HOME"
MOST_LINKS = 40
"""As many as Linux follows."""
_OTHERS = 0o022


def home_folder() -> Path:
    """TOUCHSTONE_HOME, or the user's data folder."""
    named = os.environ.get(HOME)
    return Path(named) if named else platformdirs.user_data_path("touchstone", appauthor=False)


def check_home(home: Path) -> Path:
    """The home's real path, once all that leads there was looked at; it need not exist.

    Looked at are the folder, each link on the way, and the folders above each of them.

    Keys that others could replace would sign for them, and a record that they could put back would
    be believed.

    Raises:
        UnsafeHomeError: somebody else may write there; the line says where, and the fix.
    """
    try:
        real, way = _way(Path(os.path.abspath(home)))  # noqa: PTH100 - links are followed below
        for path in dict.fromkeys((real, *way)):
            if path.is_symlink():
                _check_owner(path, path.lstat().st_uid, {os.geteuid(), 0})
            elif path.is_dir():
                _check(path, path.stat(), itself=path == real)
    except OSError as error:
        raise UnsafeHomeError(
            f"{home}: cannot be looked at: {error.strerror}; fix: set {HOME} to a folder of your"
            " own"
        ) from error
    return real


def make_home(home: Path) -> Path:
    """The home's real path, made for its owner alone where it is missing.

    Raises:
        UnsafeHomeError: as `check_home`, or it cannot be made.
    """
    real = check_home(home)
    try:
        real.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UnsafeHomeError(f"{real}: cannot be made: {error.strerror}") from error
    return real


def _way(home: Path) -> tuple[Path, list[Path]]:
    """The real path, and what leads there: each link, and each folder in which a name is looked up.

    Whoever may write in one of these folders chooses where the home is.
    """
    at, ahead, way, links = Path(home.anchor), list(home.parts[:0:-1]), list[Path](), 0
    while ahead:
        name = ahead.pop()
        if name == "..":
            at = at.parent
            continue
        step = at / name
        way.append(at)
        if not step.is_symlink():
            at = step
            continue
        way.append(step)
        links += 1
        if links > MOST_LINKS:
            raise UnsafeHomeError(
                f"{home}: leads through more than {MOST_LINKS} links; fix: set {HOME} to a folder"
            )
        target = step.readlink()
        if target.is_absolute():
            at = Path(target.anchor)
        ahead += reversed(target.relative_to(target.anchor).parts)
    return at, way


def _check_owner(path: Path, owner: int, allowed: set[int]) -> None:
    # Who is root may do what it likes anyway.
    if owner not in allowed:
        raise UnsafeHomeError(
            f"{path}: belongs to user {owner}, not to you ({os.geteuid()}), and holds the "
            f"installation's keys; fix: set {HOME} to a folder of your own"
        )


def _check(path: Path, facts: os.stat_result, *, itself: bool) -> None:
    mine, mode = os.geteuid(), stat.S_IMODE(facts.st_mode)
    _check_owner(path, facts.st_uid, {mine} if itself else {mine, 0})
    sticky = not itself and mode & stat.S_ISVTX
    if mode & _OTHERS and not sticky and not _own_group_alone(facts, mode, itself=itself):
        raise UnsafeHomeError(
            f"{path}: others may write there (mode {mode:04o}), and so replace the installation's "
            f"keys; fix: chmod go-w {path}"
        )


def _own_group_alone(facts: os.stat_result, mode: int, *, itself: bool) -> bool:
    """Whether a folder above is open to its group only, which is the user's private one.

    Systems that give every user such a group make folders group-writable by default.
    """
    if itself or mode & 0o002 or os.geteuid() == 0:
        return False
    try:
        me, group = pwd.getpwuid(os.geteuid()), grp.getgrgid(facts.st_gid)
    except KeyError:
        return False
    alone = set(group.gr_mem) <= {me.pw_name}
    return alone and group.gr_name == me.pw_name and me.pw_gid == facts.st_gid
