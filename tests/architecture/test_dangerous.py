"""No room of a server makes code, objects, templates or commands of text, or weak digests."""

import ast
from functools import cache
from pathlib import Path

import pytest

from support import parsed

SOURCE = Path(__file__).parents[2] / "src" / "touchstone"
ROOMS = (
    *("server", "service", "records", "editions", "clearance", "keys", "ledger", "review"),
    *("client", "deeds", "framework", "handin", "terms", "verdicts"),
)
CODE = {"eval", "exec", "compile", "__import__"}
PACKAGES = {"pickle", "marshal", "shelve", "dill", "yaml", "xml", "lxml", "ldap3"}
# One library, and the standard one, calculate with keys.
PACKAGES |= {"Crypto", "Cryptodome", "nacl", "ecdsa", "rsa", "jwt", "jose", "jwcrypto"}
COMMANDS = {"os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput"}
WEAK = {"md5", "sha1"}
# A template is a file of ours.
TEMPLATES = {"from_string", "Template"}
# SQL is written by constants and by names of our own: what a person sent goes in as a value.
QUERIES = {"raw", "extra", "RawSQL"}


@cache
def dangers(source: str) -> frozenset[str]:
    """What a module does of these, by name."""
    found = set[str]()
    for node in parsed.nodes(source):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [each.name for each in node.names]
            found |= PACKAGES & {name.split(".")[0] for name in names}
            found |= WEAK & set(names)
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if isinstance(node.func, ast.Name):
                found |= CODE & {name}
            found |= COMMANDS & {name}
            found |= (WEAK | TEMPLATES) & {name.rpartition(".")[2]}
            found |= QUERIES & {name.rpartition(".objects.")[2].split(".")[-1]} - {name}
            if any(each.arg == "shell" for each in node.keywords):
                found.add("shell")
    return frozenset(found)


@pytest.mark.parametrize("room", ROOMS)
def test_no_text_becomes_code_objects_or_commands(room: str):
    paths = [*(SOURCE / room).rglob("*.py")]
    assert paths
    found = {path.name: dangers(path.read_text("utf-8")) for path in paths}
    assert {name: each for name, each in found.items() if each} == {}


@pytest.mark.parametrize(
    ("source", "danger"),
    [
        ("eval(text)", "eval"),
        ("import pickle", "pickle"),
        ("from yaml import load", "yaml"),
        ("from nacl.signing import SigningKey", "nacl"),
        ("import xml.etree.ElementTree", "xml"),
        ("os.system(text)", "os.system"),
        ("subprocess.run(text, shell=True)", "shell"),
        ("hashlib.md5(data)", "md5"),
        ("from hashlib import sha1", "sha1"),
        ("environment.from_string(text)", "from_string"),
        ("Case.objects.using(alias).raw(text)", "raw"),
    ],
)
def test_the_walk_sees_each(source: str, danger: str):
    assert dangers(source) == {danger}


def test_the_walk_leaves_what_only_sounds_so():
    assert dangers("re.compile(PATTERN)\nmodel.eval()\nraw(value)") == set()
