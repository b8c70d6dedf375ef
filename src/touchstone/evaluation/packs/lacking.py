"""What a task lacks that could not be made, told from what it raised: so that it can be named."""

import re

_LACKS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"docker", re.IGNORECASE),
        "it calls Docker while it is made, and there is none here",
    ),
    (
        re.compile(
            r"OfflineMode|LocalEntryNotFound|HF_HUB_OFFLINE|offline mode is enabled|"
            r"couldn't be reached|hugging ?face\.co|hub\.co",
            re.IGNORECASE,
        ),
        "it lacks a data set of the Hub; name its repository, revision and files in assets.toml",
    ),
    (
        re.compile(r"ModuleNotFoundError|ImportError|PackageNotFoundError|No module named"),
        "it lacks a package; name its wheel in assets.toml",
    ),
    (
        re.compile(r"git (?:clone|fetch)|GitCommandError|'git'", re.IGNORECASE),
        "it lacks a repository of git; name it in assets.toml",
    ),
    (
        re.compile(
            r"ConnectError|ConnectionError|RetryError|URLError|Name or service|name resolution|"
            r"Max retries|Network is unreachable|download",
            re.IGNORECASE,
        ),
        "it lacks a file that it downloads; name it in assets.toml",
    ),
    (
        re.compile(r"get_model|No model|model (?:was )?not specified|API_KEY", re.IGNORECASE),
        "it needs a model to be made; ask for it by a role when samples run",
    ),
)


def lacking(fault: str) -> str:
    """The fault, and what would mend it where that can be told.

    Args:
        fault: What the pack's process says that was raised, in one line.
    """
    for pattern, words in _LACKS:
        if pattern.search(fault):
            return f"{fault}; {words}"
    return fault
