"""Which packages there are, what of them is taken, and how they are had from the assets."""

import ast
import io
import os
import re
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import platformdirs

from touchstone.evaluation.assets.errors import AssetError
from touchstone.evaluation.assets.listing import AssetFile, parse_assets
from touchstone.evaluation.assets.store import AssetStore, store_folder
from touchstone.evaluation.families.planted_packages.program import (
    WORDS,
    FlawPlace,
    Line,
    is_name,
    program_lines,
    program_text,
    sites,
)
from touchstone.evaluation.families.twins import resource

_MOST = 1 << 20
"""Bytes of one file of an archive."""


@dataclass(frozen=True)
class Package:
    """One package, as it is used here."""

    name: str
    version: str
    language: str
    """python, javascript or c."""
    licence: str
    """SPDX."""
    notice: str
    """Where its licence stands in the archive."""
    parts: tuple[str, ...]
    """The files that are taken, in this order."""
    kept: frozenset[str] = frozenset()
    """Names in C that are the language's library's, and so keep theirs."""

    @property
    def suffix(self) -> str:
        """How its program's name ends."""
        return {"python": "py", "javascript": "js", "c": "c"}[self.language]


_STRINGS = ("string_distance", "string_similarity", "jaro_winkler", "damerau")
_MORE_STRINGS = ("optimal_string_alignment", "longest_common_subsequence", "ngram")
_PROFILES = ("shingle_based", "weighted_levenshtein", "qgram", "cosine", "jaccard", "sift4")
_LIBRARY = (
    "malloc calloc realloc free memcpy memmove memset memcmp strlen strchr vsnprintf isprint "
    "isspace tolower toupper assert va_list va_start va_end va_copy va_arg size_t NULL"
)
PACKAGES = {
    each.name: each
    for each in (
        Package(
            "strsimpy",
            "0.2.1",
            "python",
            "MIT",
            "strsimpy-0.2.1.dist-info/LICENSE",
            tuple(f"strsimpy/{n}.py" for n in (*_STRINGS, *_MORE_STRINGS, *_PROFILES)),
        ),
        Package("minimist", "1.2.8", "javascript", "MIT", "package/LICENSE", ("package/index.js",)),
        Package(
            "hiredis",
            "0.5.0",
            "c",
            "BSD-3-Clause",
            "package/deps/hiredis/COPYING",
            ("package/deps/hiredis/sds.h", "package/deps/hiredis/sds.c"),
            frozenset(_LIBRARY.split()),
        ),
    )
}


def assets_list() -> bytes:
    """The family's `assets.toml`."""
    return resource(__package__, "assets.toml")


def store() -> AssetStore:
    """Where assets are kept here: as the commands have it."""
    home = os.environ.get("TOUCHSTONE_HOME")
    data = Path(home) if home else platformdirs.user_data_path("touchstone", appauthor=False)
    return AssetStore(store_folder(data))


@dataclass(frozen=True)
class PackageSource:
    """A package's program, without comments and in one layout, and what can be done with it."""

    lines: tuple[Line, ...]
    notice: bytes
    """Its licence's text."""
    names: tuple[str, ...]
    """The names that are its own, in order; each may be another everywhere at once."""
    tokens: frozenset[str]
    """All that stands in it."""
    sites: tuple[FlawPlace, ...]
    """Where one thing may be otherwise."""


def source_of(package: Package) -> PackageSource:
    """A package's source, from the assets.

    Raises:
        AssetError: it is missing or altered here; names it, and the fix.
    """
    kept = store()
    listed = parse_assets(assets_list())
    file = next(each for each in listed.files if _names(each, package))
    state = kept.state_of(file)
    if state.state != "here":
        raise AssetError(
            f"planted-packages: {state}; pull it: touchstone assets pull planted-packages"
        )
    return _source(package, kept.blob(file.sha256))


def _names(file: AssetFile, package: Package) -> bool:
    asset = file.wheel or file.npm
    return asset is not None and (asset.name, asset.version) == (package.name, package.version)


@cache
def _source(package: Package, blob: Path) -> PackageSource:
    files = _files(blob.read_bytes(), (*package.parts, package.notice))
    texts = [files[part].decode("utf-8") for part in package.parts]
    if package.language == "python":
        text = _one_module(texts)
    elif package.language == "c":
        text = _one_unit(texts)
    else:
        text = texts[0]
    lines = program_lines(text, package.language)
    return PackageSource(
        tuple(lines),
        files[package.notice],
        tuple(own_names(package, lines)),
        frozenset(piece for _, line in lines for piece in line),
        tuple(sites(lines)),
    )


def _files(archive: bytes, names: tuple[str, ...]) -> Mapping[str, bytes]:
    if archive[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(archive)) as packed:
            return {name: packed.read(name) for name in names}
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        found = {name: tar.extractfile(name) for name in names}
        return {name: file.read(_MOST) for name, file in found.items() if file is not None}


def _one_module(texts: list[str]) -> str:
    """Python modules as one, without documentation and without what they import of each other."""
    body: list[ast.stmt] = []
    for text in texts:
        tree = ast.parse(text)
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module):
                first = node.body[0] if node.body else None
                if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                    node.body[0] = ast.Pass()
                if len(node.body) > 1 and isinstance(node.body[0], ast.Pass):
                    del node.body[0]
        body += [
            node for node in tree.body if not (isinstance(node, ast.ImportFrom) and node.level)
        ]
    imports = [node for node in body if isinstance(node, ast.Import | ast.ImportFrom)]
    rest = [node for node in body if node not in imports]
    lines = dict.fromkeys(ast.unparse(node) for node in imports)
    return "\n".join([*lines, *(ast.unparse(node) for node in rest)])


def _one_unit(texts: list[str]) -> str:
    """A header and its unit as one, as a compiler that defines nothing of its own reads them."""
    rows: list[str] = []
    taken: list[bool] = []
    for row in "\n".join(texts).splitlines():
        words = row.split()
        if words[:1] in (["#ifdef"], ["#ifndef"]):
            taken.append(words[0] == "#ifndef")
        elif words[:1] == ["#else"]:
            taken[-1] = not taken[-1]
        elif words[:1] == ["#endif"]:
            taken.pop()
        elif all(taken) and not re.match(r'#include\s+"|#define __', row):
            rows.append(row)
    return "\n".join(rows) + "\n"


def own_names(package: Package, lines: list[Line]) -> list[str]:
    """The names that are the program's own, in order; each may be another everywhere at once."""
    tokens = [piece for _, line in lines for piece in line if line[0][0] != "#"]
    if package.language == "c":
        macros = {word for _, line in lines if line[0][0] == "#" for word in _words(line[0])}
        given = [t for t in tokens if is_name(t) and t not in package.kept | macros | WORDS]
    elif package.language == "python":
        given = _python_names(lines)
    else:
        given = _script_names(tokens)
    return list(dict.fromkeys(given))


def _words(text: str) -> list[str]:
    return re.findall(r"[A-Za-z_]\w*", text)


def _python_names(lines: list[Line]) -> list[str]:
    tree = ast.parse(program_text(lines))
    found, not_ours = [], set(dir(str)) | set(dir(dict)) | set(dir(list)) | {"self"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.append(node.id)
        elif isinstance(node, ast.arg):
            found.append(node.arg)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.append(node.name)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            found.append(node.attr)
        elif isinstance(node, ast.keyword) and node.arg:
            not_ours.add(node.arg)
        elif isinstance(node, ast.alias):
            not_ours.update(_words(node.asname or node.name))
    return [each for each in found if each not in not_ours and not each.startswith("__")]


def _script_names(tokens: list[str]) -> list[str]:
    found: list[str] = []
    fields: set[str] = set()
    for at, piece in enumerate(tokens):
        if piece in {"var", "let", "const"}:
            found.append(tokens[at + 1])
        elif piece == "function":
            begin = tokens.index("(", at)
            end = tokens.index(")", begin)
            found += [each for each in tokens[at + 1 : end] if is_name(each)]
        if is_name(piece) and at:
            after = tokens[at + 1 : at + 2]
            if tokens[at - 1] == "." or (tokens[at - 1] in {"{", ","} and after == [":"]):
                fields.add(piece)
    return [each for each in found if each not in fields]
