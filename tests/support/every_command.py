"""Every command that takes a case, with something plausible in each place."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal, get_args, get_origin

from cyclopts import App
from cyclopts.argument import Argument

from support.claims import some_claim
from support.eval_logs import eval_log, sample
from support.june import June
from support.small_case import SUBMISSION
from touchstone.cli.app import app


def commands(group: App, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], App]]:
    """Every command with its words."""
    for name in group:
        if name.startswith("-"):
            continue
        command = group[name]
        if command.default_command is None:
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


def arguments(command: App) -> list[Argument]:
    return [a for a in command.assemble_argument_collection(parse_docstring=True) if a.show]


def takes_a_case(command: App) -> bool:
    return any(each.names[0] in {"--case", "CASE", "case"} for each in arguments(command))


BY_A_SERVER_ALONE = {
    ("case", "export"),
    ("deed", "receipts"),
    *(("submission", "endpoint-key", each) for each in ("set", "revoke", "show")),
}
"""What the record of this machine is asked for by other commands."""
BY_A_FILE_ALONE = {("party", "rotate")}
"""What takes a case with --to-file, and else goes through all of a party's cases."""
OF_ONE_THING = {
    ("document", "get"),
    ("weights", "get"),
    ("oversight", "show"),
    ("transcripts", "show"),
    ("transcripts", "export"),
    ("transcripts", "view"),
    ("parity", "run"),
    ("parity", "check"),
}
"""What fetches one thing of a case, which has to be there."""
WITH_CASE = {
    words: command
    for words, command in commands(app)
    if takes_a_case(command) and words not in BY_A_SERVER_ALONE | BY_A_FILE_ALONE | OF_ONE_THING
}
CHOICES = {
    "--contested": "no",
    "--yes": None,
    "--as": "example-lab",
    "--scope": "public",
    "--variant": "final",
    "--text": "why",
}
"""Options that are not required, and yet make the command do what it is for."""
WORDS = {
    "--until": "2027-01-31",
    "--domain": "cyber",
    "--days": "3",
    "--expects": "SHA256:" + "ab" * 32,
    "--kind": "review-halted",
}
"""What stands in a required option that takes no words, or a file; else a word does."""
BY: Mapping[tuple[str, ...], str] = {
    ("inquiry", "answer"): "example-centre",
    ("finding", "sign"): "example-centre",
    ("evidence", "import"): "example-centre",
    ("finding", "rerun"): "example-centre",
    ("clock", "lay"): "example-centre",
    ("seed", "commit"): "example-centre",
    ("seed", "reveal"): "example-centre",
    ("release", "compare"): "example-centre",
    ("postponement", "request"): "example-agency",
    ("designation", "propose"): "example-centre",
    ("party", "remove"): "example-centre",
    ("party", "leave"): "example-agency",
    ("review", "issue"): "example-centre",
    ("designation", "concur"): "example-agency",
    ("designation", "dissent"): "example-agency",
    ("designation", "make"): "example-agency",
    ("designation", "revise"): "example-agency",
}
"""Who acts by a command that is not the developer's."""
PLACES = {"key": "ab" * 32, "claim": some_claim("example-lab")}
"""The same for what is given by its place."""
UNNAMED = {("finding", "show"), ("questionnaire", "answers")}
"""Commands that are called with the case alone: what else they take is one thing of several."""


def file_for(noun: str, june: June) -> str:
    """A file of the kind that a command takes."""
    if noun == "submission":
        path = june.file("SUBMISSION.toml")
        path.write_text(SUBMISSION.format(framework="example"), "utf-8")
        return str(path)
    if noun == "questionnaire":
        path = june.file("answers.toml")
        head = 'questionnaire = "loss-of-control"\nversion = "1"\n'
        path.write_text(f'{head}[answers.incidents]\ntext = "None."\n', "utf-8")
        return str(path)
    if noun == "evidence":
        path = june.file("others.eval")
        path.write_bytes(eval_log({0: sample("Hello.", "Hello.")}))
        return str(path)
    if noun == "weights":
        folder = june.file("weights")
        folder.mkdir(exist_ok=True)
        (folder / "model.bin").write_bytes(b"weights")
        return str(folder)
    return str(june.file("terms.toml" if noun == "terms" else "june-12.toml"))


def words_for(words: tuple[str, ...], command: App, june: June, out: Path) -> list[str]:
    """The command with something plausible in each place."""
    given: dict[str, str] = {"--out": str(out), **WORDS}
    typed = list(words)
    for each in arguments(command):
        name, keyword = each.names[0], each.field_info.kind is each.field_info.KEYWORD_ONLY
        if name.lower().strip("-") == "case":
            typed += [name, june.case] if keyword else [june.case]
        elif not keyword and words in UNNAMED:
            continue
        elif not keyword and get_origin(each.hint) is Literal:
            typed.append(str(get_args(each.hint)[0]))
        elif not keyword:
            place = PLACES.get(name.lower().strip("-"), "1")
            typed.append(file_for(words[0], june) if "Path" in str(each.hint) else place)
        elif name in CHOICES:
            value = CHOICES[name]
            if name == "--as" and words in BY:
                value = BY[words]
            typed += [name] if value is None else [name, value]
        elif each.required or name == "--out":
            chosen = get_args(each.hint) if get_origin(each.hint) is Literal else ("why",)
            typed += [name, given.get(name, str(chosen[0]))]
    return typed
