"""What a task lacks that could not be made, told from what it raised: so that it can be named."""

import re

_LACKS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"\bdocker\b", re.IGNORECASE),
        "it calls Docker while it is made, and there is none here",
    ),
    (
        re.compile(r"OfflineMode|LocalEntryNotFound|HF_HUB_OFFLINE|HF_DATASETS_OFFLINE"),
        "it lacks a data set of the Hub; name its repository, revision and files in assets.toml",
    ),
    (
        re.compile(r"No module named '([\w.]{1,100})'"),
        "it lacks the package {0}; name its wheel in assets.toml",
    ),
    (
        re.compile(r"pip install|optional dependenc", re.IGNORECASE),
        "it lacks a package that it names; name its wheel in assets.toml",
    ),
    (
        re.compile(r"_API_KEY"),
        "it asks a vendor's model; have it ask for one by a role",
    ),
    (
        re.compile(r"No model specified", re.IGNORECASE),
        "it needs a model to be made; have it ask for one when samples run",
    ),
    (
        re.compile(r"Read-only file system: '/opt/touchstone"),
        "it writes beside its own code, which is read-only; have it write to a folder of its own",
    ),
    (
        re.compile(r"git (?:clone|fetch)|GitCommandError|'git'"),
        "it lacks a repository of git; name it in assets.toml",
    ),
    (
        re.compile(
            r"ConnectError|ConnectionError|RetryError|URLError|Name or service|name resolution|"
            r"Max retries|Network is unreachable"
        ),
        "it lacks a file that it downloads; name it in assets.toml",
    ),
)


def lacking(fault: str) -> str:
    """The fault, and what would mend it where that can be told.

    Args:
        fault: What the pack's process says that was raised, in one line.
    """
    for pattern, words in _LACKS:
        if found := pattern.search(fault):
            return f"{fault}; {words.format(*found.groups())}"
    return fault
