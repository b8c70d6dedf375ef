"""Strict canonical JSON, and the shapes of its objects. Nothing nearly right is accepted."""

import json
import re
from base64 import b64decode, b64encode
from contextlib import suppress
from typing import Any

from .errors import AlteredError, hold

MAX_LINE, MAX_DEPTH, INTEGERS_END, SHOWN = 2**20, 16, 2**53, 80
# Only with one of these can a text of a known shape be written in two ways, or exceed a bound.
_SUSPECT = re.compile(r"[^ -~]|\\|[0-9]{16}")
# What leaves no mark, though Python prints it: fillers, joiners and selectors.
_MARKLESS = "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]"  # noqa: E501 - one table
_BLANK = re.compile(_MARKLESS).match
_LEAP = "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[2468][048]|[13579][26]|0[48])00)-02-29"
_DAY = (
    "(?!0000)[0-9]{4}-(?!02-(?:29|3)|(?:0[469]|11)-31)(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
)
_NAME = "[A-Za-z0-9][A-Za-z0-9._-]{0,127}"
# Possessive all over (`*+`): no text makes the match try again what it has passed.
_TOPIC = f'"(?=[a-z0-9-]{{1,64}}[:"])[a-z][a-z0-9]*+(?:-[a-z0-9]++)*+(?::{_NAME})?"'
_NUMBER = "(?:0|[1-9][0-9]*+|null)"
_PRINT = '"SHA256:[0-9a-f]{64}"'
_FORMS = {
    "text": r'"(?:[^"\\]++|\\.)++"',
    "hex32": '"[0-9a-f]{64}"',
    "hex64": '"[0-9a-f]{128}"',
    "sha256": '"sha256:[0-9a-f]{64}"',
    "fingerprint": _PRINT,
    "kebab": '"[a-z][a-z0-9]*+(?:-[a-z0-9]++)*+"',
    "time": f'"(?:{_LEAP}|{_DAY})T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z"',
    "integer": "(?:0|[1-9][0-9]*+)",
    "positive": "[1-9][0-9]*+",
    "hidden": '"(?:withheld|erased)"',
    "format": '"touchstone/bundle/[12]"',
    "name": f'"{_NAME}"',
    "topic": _TOPIC,
    "on": rf"\{{(?:{_TOPIC}:{_NUMBER}(?:,{_TOPIC}:{_NUMBER})*+)?\}}",
    "lasts": rf"\{{(?:{_PRINT}:{_NUMBER}(?:,{_PRINT}:{_NUMBER})*+)?\}}",
    "bool": "(?:true|false)",
    "any": "(?s:.+)",
}
_TABLE = """\
bundle {"at":<time>,"audience":<text>,"format":<format>,"line":"bundle","log":<hex32>,"size":<positive>}
key {"at":<time>,"line":"key","previous":<hex32?>,"public_key":<hex32>,"reason":<text>,"seq":<integer>,"signature":<hex64>,"v":1}
part {"i":<integer>,"line":"part","n":<integer>,"salt":<hex32>,"text":<text>}
hidden {"i":<integer>,"label":<text>,"line":<hidden>,"n":<integer>}
marking {"label":<text>,"parties":<text*>,"scheme":<text>}
event {"actor":<text>,"at":<time>,"marking":<any>,"schema":<positive>,"type":<kebab>}
opening {"agreement":<sha256>,"installation_key":<hex32>,"nonce":<hex32>,"type":"case-opened"}
admits {"key":<hex32>,"party":<text>,"role":<text>}
content {"content":<any>,"kind":"content","marking":<any>}
evidence {"digest":<sha256>,"kind":"evidence","marking":<any>,"media_type":<text>,"name":<text>,"size":<integer>}
deed {"envelope":<any>,"kind":"deed","marking":<any>}
envelope {"payload":<text>,"payloadType":"application/vnd.touchstone.deed+json","signatures":[{"keyid":<fingerprint>,"sig":<text>}]}
payload {"actor":<text>,"deed":<kebab>,"log":<hex32?>,"n":<integer>,"parts":<hex32*>,"previous":<hex32>,"v":1}
withheld {"i":<integer>,"line":"withheld","n":<integer>}
recorded {"at":<time>,"kind":"recorded","marking":<any>}
statement {"actor":<name>,"before":<hex32?>,"deed":<kebab>,"exact":<bool>,"key":<fingerprint>,"log":<hex32?>,"on":<on>,"parts":<hex32*>,"seen":{"root":<hex32>,"size":<integer>},"seq":<integer>,"touches":<topic*>,"until":<time?>,"v":2}
invited {"act":"invited","expects":<fingerprint?>,"party":<text>,"role":<text>}
joined {"act":"joined","key":<hex32>,"next":<fingerprint>,"party":<text>,"role":<text>}
admitted {"act":"admitted","alg":"ed25519","key":<hex32>,"kinds":<kebab*>,"label":<text>}
removed {"act":"removed","key":<fingerprint>,"last":<integer?>}
rotated {"act":"rotated","key":<hex32>,"last":<integer?>,"next":<fingerprint>}
reinvited {"act":"reinvited","expects":<fingerprint>,"party":<text>}
objected {"act":"objected"}
rejoined {"act":"rejoined","key":<hex32>,"lasts":<lasts>,"next":<fingerprint>}
receipt {"answer":{"answer":"recorded","at":<time>,"deed":<hex32>,"log":<hex32>,"n":<integer>,"root":<hex32>,"size":<integer>,"v":1},"key":<fingerprint>,"line":"answer","signature":<hex64>}
refusal {"answer":{"answer":"refused","at":<time>,"code":<kebab>,"deed":<hex32>,"log":<hex32?>,"root":<hex32>,"size":<integer>,"v":1,"why":<text>},"key":<fingerprint>,"line":"answer","signature":<hex64>}
head {"blind":<hex32>,"checkpoint":<text>,"head":{"keyset":<hex32>,"log":<hex32>,"root":<hex32>,"size":<positive>,"v":1},"inclusion":<hex32*>,"index":<integer>,"line":"head"}
older {"checkpoint":<text>,"consistency":<hex32*>,"line":"older"}
seal {"digest":<hex32>,"key":<fingerprint>,"line":"seal","signature":<hex64>}"""  # noqa: E501 - a shape a line, to lay beside the page


def _form(match: re.Match[str]) -> str:
    one = _FORMS[match[1]]
    return {"": one, "?": f"(?:{one}|null)", "*": rf"\[(?:{one}(?:,{one})*+)?\]"}[match[2]]


SHAPES = dict(line.split(" ", 1) for line in _TABLE.splitlines())
_FITS = {
    name: re.compile(re.sub(r"<(\w+)\\?([?*]?)>", _form, re.escape(shape))).fullmatch
    for name, shape in SHAPES.items()
}
_NAMES = {name: re.findall('[{,]"([a-z_]+)":', shape) for name, shape in SHAPES.items()}
# A decimal becomes true, so that it is not written again as it stood.
_decode = json.JSONDecoder(parse_float=bool, parse_constant=bool).decode
dumps = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


def shown(text: str) -> str:
    """What may be echoed of a hostile text: nothing unseen, and short."""
    seen = (c if c.isprintable() and not _BLANK(c) else f"\\u{ord(c):04x}" for c in text[:SHOWN])
    return "".join(seen)


def parse(line: bytes, shape: str = "") -> Any:
    """The value of one canonical line of this shape; AlteredError for anything else."""
    try:
        text = line.decode()
        fits, suspect = not shape or _FITS[shape](text), _SUSPECT.search(text)
        value = _decode(text)
        # A text of a shape without <any>, and nothing suspect in it, cannot be written otherwise.
        same = bool(shape and fits and not suspect) or dumps(value) == text
    except (ValueError, RecursionError) as error:
        raise AlteredError(f"is not strict JSON in UTF-8: {shown(str(error))}") from None
    hold(same, "is not canonical JSON (order, a key twice, space, escape, a decimal)")
    # Of a part line nothing can exceed a bound unseen: n and i are compared with what is due.
    if shape != "part" and (suspect or text.count("[") + text.count("{") > MAX_DEPTH):
        _bound(value, MAX_DEPTH)
    hold(bool(fits), f"is not of the form {SHAPES[shape] if shape else ''}")
    return value


def _bound(value: Any, depth: int) -> None:
    if isinstance(value, (dict, list)):
        hold(depth > 0, "is nested too deeply")
        for key in value if isinstance(value, dict) else ():
            hold(key.isascii() and key.isprintable(), "has a key that is not printable ASCII")
        for inner in value.values() if isinstance(value, dict) else value:
            _bound(inner, depth - 1)
    elif isinstance(value, int):
        hold(abs(value) < INTEGERS_END, "holds an integer of 2^53 or beyond")


def shaped(value: Any, shape: str, *, more: bool = False) -> Any:
    """A parsed value of this shape; with `more`, an object that may have other fields too."""
    known = value
    if more and isinstance(value, dict):
        known = {name: value[name] for name in _NAMES[shape] if name in value}
    hold(_FITS[shape](dumps(known)) is not None, f"is not of the form {SHAPES[shape]}")
    return value


def unbase64(text: str) -> bytes:
    """The bytes of a standard base64 text; none where it is not the one text for them."""
    with suppress(ValueError):
        data = b64decode(text, validate=True)
        return data if b64encode(data).decode() == text else b""
    return b""
