"""Recipes of the documentation as tests run them: cut out of the page, with other ports."""

import re
import socket
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]


def recipe(page: str, title: str) -> str:
    """The fenced block that a page under docs/ gives a title, such as `envoy.yaml`."""
    text = (ROOT / "docs" / page).read_text("utf-8")
    found = re.findall(
        rf'^```\w+ title="{re.escape(title)}"\n(.*?)^```$', text, re.MULTILINE | re.DOTALL
    )
    if len(found) != 1:
        raise LookupError(f"{page}: {len(found)} blocks with the title {title}")
    return str(found[0])


def with_ports(text: str, ports: Mapping[int, int]) -> str:
    """The same with each port of the page replaced; every one must occur."""

    def ours(match: re.Match[str]) -> str:
        return str(ports[int(match.group())])

    missing = [port for port in ports if not re.search(rf"\b{port}\b", text)]
    if missing:
        raise LookupError(f"the recipe names no port {missing}")
    return re.sub(r"\b(?:" + "|".join(map(str, ports)) + r")\b", ours, text)


def free_port() -> int:
    """A port of the loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
