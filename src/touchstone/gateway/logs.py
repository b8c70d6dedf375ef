"""What the gateway's processes say of themselves, on stderr, a line each."""

import logging

from touchstone.handin import shown


class Plain(logging.Formatter):
    """Lines in which nothing unseen stands: callers and issuers choose some of their words."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, with what is unseen in it as its code."""
        return shown(super().format(record))


def log_to_stderr(who: str) -> None:
    """Let this process say who it is, and from the level INFO on what happens."""
    handler = logging.StreamHandler()
    handler.setFormatter(Plain(f"%(asctime)s {who} %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
