"""Where an installation lies: a folder that nobody else may write, or swap for another."""

import grp
import os
import pwd
import stat
from pathlib import Path

import platformdirs

from touchstone.service.errors import UnsafeHomeError

HOME = "TOUCHSTONE_HOME"
_OTHERS = 0o022


def home_folder() -> Path:
    """TOUCHSTONE_HOME, or the user's data folder."""
    named = os.environ.get(HOME)
    return Path(named) if named else platformdirs.user_data_path("touchstone", appauthor=False)


def check_home(home: Path) -> Path:
    """The home's real path, once it and the folders above it were looked at; it need not exist.

    Keys that others could replace would sign for them, and a record that they could put back would
    be believed.

    Raises:
        UnsafeHomeError: somebody else may write there; the line says where, and the mend.
    """
    named = Path(os.path.abspath(home))  # noqa: PTH100 - a link on the way must be looked at too
    real = named.resolve()
    for path in dict.fromkeys((real, *real.parents, *named.parents)):
        if path.is_dir():
            _check(path, path.stat(), itself=path == real)
    return real


def _check(path: Path, facts: os.stat_result, *, itself: bool) -> None:
    mine = os.geteuid()
    mode = stat.S_IMODE(facts.st_mode)
    # Who is root may do what it likes anyway.
    if facts.st_uid not in ({mine} if itself else {mine, 0}):
        raise UnsafeHomeError(
            f"{path}: belongs to user {facts.st_uid}, not to you ({mine}), and holds the "
            f"installation's keys; mend: set {HOME} to a folder of your own"
        )
    sticky = not itself and mode & stat.S_ISVTX
    if mode & _OTHERS and not sticky and not _own_group_alone(facts, mode, itself=itself):
        raise UnsafeHomeError(
            f"{path}: others may write there (mode {mode:04o}), and so replace the installation's "
            f"keys; mend: chmod go-w {path}"
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
