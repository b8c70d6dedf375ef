"""What errors of deeds say, worded in one place: by code, with what the error tells in its place.

`<party>` stands for a field of the deed. Who shows the sentence puts in its place what the reader
filled in: a command its option (`--as`), a page its label. A value that is a list is joined.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

_FIELD = re.compile(r"<([a-z_-]+)>")
_NAMED = re.compile(r"<\{([a-z_]+)\}>")
"""A field that the error itself names, as `<{answer}>`."""

SENTENCES: Mapping[str, str] = {
    # Which case.
    "case-unnamed": "name a case by its id's beginning; see: touchstone review list",
    "case-unknown": "no case begins with {beginning!r}; see: touchstone review list",
    "case-ambiguous": "{count} cases begin with {beginning!r}; see: touchstone review list",
    "case-destroyed": (
        "case {case} was destroyed{on}: its content, evidence and texts are gone for good, and "
        "nothing that rests on them can be done; its entries, facts and proofs stay, and so do "
        "editions that were issued. Still possible: touchstone review show {case}, touchstone "
        "review destroy {case} --out FOLDER (its certificate again), touchstone verify BUNDLE, "
        "and deeds that rest on facts alone (release announce, review withdraw, terms decline, "
        "directive answer --contested, directive lift, directive standing --withdraw)"
    ),
    # Keys.
    "automation-for-nobody": "<party>: {why}",
    "automation-beside-party-key": (
        "<party> {party}: its own key is on this machine, and signs all that it does here"
    ),
    # Texts.
    "text-too-long": "{source}: longer than {most} bytes: say it in fewer words",
    "text-unknown": "the record of case {case} holds no text {digest}",
    "text-lacking": "the text {digest} in the record is {why}",
    # Terms.
    "nothing-to-counter": "nothing is on the table to counter: touchstone terms offer CASE",
    "nothing-on-table": "nothing is on the table: touchstone terms offer CASE TERMS.toml",
    "terms-of-another-developer": (
        '{source}: key "developer" is "{named}", and the case is "{developer}"\'s: write that'
    ),
    "terms-of-another-framework": (
        '{source}: key "framework" is "{named}", and the case is held to "{framework}": write '
        "that, or leave it out"
    ),
    "terms-not-agreed": "no terms are agreed in case {case}; those on the table await an answer",
    "terms-not-offered": (
        "no terms are agreed in case {case}; nothing was offered: touchstone terms offer CASE "
        "TERMS.toml --as PARTY"
    ),
    "terms-not-in-force": "{source}: are the terms {given}, and in force are {agreed}",
    # Directives.
    "directive-unknown": "no directive {name!a} is issued; issued are: {issued}",
    "directive-ended": (
        '{source}: key "expires": {expires} is in the past, at {at}: set a later end'
    ),
    "restored-unknown": (
        '{source}: restores {number}, key "directive" is "{directive}", which is not issued; '
        "issued are: {issued}"
    ),
    "reading-missing": "<{answer}>: name the file with the text that is carried out",
    "reading-of-another": '{source}: key "id" is "{named}": write "{directive}"',
    "reading-too-wide": (
        "{source}: is not read {answer}: it bars whom the order does not: {example}"
    ),
    "reading-too-narrow": (
        "{source}: is not read {answer}: it spares whom the order bars: {example}"
    ),
    "no-class": "{directive} is answered by no class: {reasons}",
    "classes-not-authorised": (
        "the developer authorised no standing classes: touchstone directive standing CASE FILE.toml"
    ),
    "marking-unknown": "<marking> {label!a}: write one of {labels}",
    "agency-unnamed": "<party>: name the agency that issues; in this case are: {agencies}",
    "audience-unknown": ("<audience> {audience!a}: the editions of this case are for: {known}"),
    # Bundles.
    "shelf-missing": "<out>: name the folder that the gateways watch",
    "shelf-taken": (
        "<out> {place}: holds {name} already, and it is not of this case and stream: name another "
        "folder"
    ),
    "shelf-unusable": "<out> {place}: cannot be a folder: {why}",
    "stream-malformed": "<stream> {stream!a}: write letters, digits, '.', '_' and '-'",
    "stream-unnamed": "<stream>: name the deployment; what was handed in is not open here",
    "bundle-of-another": "the developer of this case is {developer}, and not {party}",
    "bundle-unknown": "{stream} has no bundle {number}; published are: {published}",
    "bundle-lacking": "bundle {number} in the record is {why}",
    "evidence-lacking": "{why}",
    # Reviews.
    "agency-not-the-frameworks": (
        "<agency> {agency!a}: name once each the agencies of framework {framework} that take part; "
        "they are {known}"
    ),
    "sandbox-too-weak": (
        "the sandbox here is {grade!r} and {weaker}; {fixes}; or accept it with <accept_grade>"
    ),
    "mode-not-ready": (
        "mode {mode}: {why}; nothing could be measured so; fix it, or accept it with "
        "<accept_no_tools>"
    ),
    # Runs from elsewhere.
    "reference-without-runs": "<reference> {model}: no run is of this model",
    "grader-half-known": "<sensitivity> and <specificity> go together: write both",
    "counts-malformed": "<{field}> {text}: write counts, such as 45/50",
    "counts-impossible": ("<{field}> {text}: write at most as many as were tried, at least 2"),
    "column-unknown": "<column> {name}: there are {known}",
    "column-missing": (
        "{source} has no column {theirs!r}; say what it is called: <column> {ours}=NAME"
    ),
    "trial-column-missing": (
        "{source} has no column {name!r}: a table of trials has item, person, solved and minutes"
    ),
    "registry-missing": (
        "no bundle was published so far: give the organisations and lists with <entities>"
    ),
}


def sentence_for(
    code: str, data: Mapping[str, Any], name_of: Callable[[str], str] = lambda field: field
) -> str:
    """The sentence of a code, with its data.

    Args:
        code: Of SENTENCES.
        data: What the sentence tells; a list is joined by `, `, and `none` where it is empty.
        name_of: What a field of the deed is called where the sentence is read.
    """
    # Fields first: what somebody typed may look like one.
    sentence = _NAMED.sub(lambda found: f"<{data[found[1]]}>", SENTENCES[code])
    sentence = _FIELD.sub(lambda found: _escaped(name_of(found[1])), sentence)
    return sentence.format(**{name: _joined(value) for name, value in data.items()})


def _joined(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value)) or "none"
    return value


def _escaped(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")
