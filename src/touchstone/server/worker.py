"""One of several processes that answer: `python -m touchstone.server.worker JSON`.

Started by `touchstone serve --processes`, with the socket that listens as one of its files.
"""

import json
import logging
import socket
import sys
from pathlib import Path
from typing import Any

from touchstone.errors import TouchstoneError
from touchstone.server.running import ServerCertificate, Ways, answer_until_told
from touchstone.server.security_log import write_as_lines
from touchstone.server.site import API_ALONE, Site


def words_of(listener: socket.socket, ways: Ways) -> str:
    """What such a process is told."""
    pair = ways.certificate
    return json.dumps(
        {
            "listener": listener.fileno(),
            "hosts": ways.hosts,
            "proxied": ways.proxied,
            "certificate": [str(pair.certificate), str(pair.key)] if pair else None,
        }
    )


def main(words: str, site: Site = API_ALONE) -> int:
    """Answer as one was told; the exit code."""
    told: dict[str, Any] = json.loads(words)
    pair = told["certificate"]
    certificate = ServerCertificate(*map(Path, pair)) if pair else None
    ways = Ways(tuple(told["hosts"]), told["proxied"], certificate)
    write_as_lines()
    logging.getLogger("django.request").setLevel(logging.ERROR)
    try:
        answer_until_told(socket.socket(fileno=told["listener"]), ways, site=site, watched=True)
    except TouchstoneError as error:
        logging.getLogger(__name__).error("%s", error)  # noqa: TRY400 - a line for people
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
