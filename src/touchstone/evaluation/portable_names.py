"""Names of files that mean the same on every disk a set of weights may be fetched to.

What one system writes and another cannot, or takes for something else, would make two sets of one.
"""

import re

MOST_NAME = 255
"""Bytes of one name in UTF-8, at most: Linux writes no longer one."""
_PORTS = "0123456789\u00b9\u00b2\u00b3"
# Windows opens a device under these, whatever comes after the first dot.
_DEVICES = frozenset({"con", "prn", "aux", "nul", "conin$", "conout$"}) | {
    f"{port}{number}" for port in ("com", "lpt") for number in _PORTS
}
_FORBIDDEN = '<>"|?*'
# `GIT~1` is another name of `.git` there, and of whatever else was written first.
_SHORTENED = re.compile(r"~[0-9]")


def why_not_portable(name: str) -> str:
    """Why one name, which is text, is not the same everywhere; empty: it is."""
    if len(name.encode()) > MOST_NAME:
        return f"has a name of more than {MOST_NAME} bytes: rename it"
    if bad := next((sign for sign in name if sign in _FORBIDDEN), ""):
        return f"holds {bad!a}, which Windows has in no name: rename it"
    if name.partition(".")[0].rstrip(" ").casefold() in _DEVICES:
        return f"has the name {name!a}, which Windows keeps for a device: rename it"
    if _SHORTENED.search(name):
        return f"has the name {name!a}, which may stand for another one on Windows: rename it"
    # A tool that is given the files of a folder would take it for an option.
    return f"has the name {name!a}, which begins with a dash: rename it" if name[:1] == "-" else ""
