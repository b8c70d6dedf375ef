"""What is sealed is opened for a reader in one place, by the decisions of `clearance`."""

import ast
from pathlib import Path

import pytest

from support import parsed
from touchstone.deeds import measurement
from touchstone.review.view_only import ANSWERS

SOURCE = Path(__file__).parents[2] / "src" / "touchstone"
OPENING = {
    "may_take": {
        "review/audience_view.py": "every entry that a party is given, in whatever form",
        "deeds/seen_case.py": "a party's machine says why something was not handed to it",
    },
    "evidence": {
        "service/access/case_texts.py": "policy bundles, which gateways read: never an answer",
    },
}
"""By what opens or hands out, the modules that may, each with what for. It only shrinks."""
STREAMED = {
    "service/access/documents_handed_in.py": "to a party that `read_entries_of` gives the entry",
    "service/access/flagged.py": "what detectors quote of transcripts: looked at, and never taken",
    "service/access/transcripts.py": "logs: looked at as it gives the part, taken as it hands it",
}
"""Where bytes in files are opened for a reader, each with to whom."""
LOOKS = {
    "service/case_context.py": "what the deeds of a case rest on",
    "service/reporting/other_cases.py": "whether another case is of the same model",
    "service/measurement/forecasting/observed_costs.py": "what samples cost before",
    "service/access/flagged.py": "what detectors flagged, to be looked at as transcripts are",
    "service/access/transcripts.py": "pages to be looked at; who takes a log is asked about again",
    "service/cases/case_admin.py": "lines on the screen where the record is",
    "service/reviews/results.py": "lines on the screen where the record is",
}
"""The modules that read without handing out, each with what for."""


def calls(source: str, name: str) -> bool:
    """Whether a module calls something of that name with arguments."""
    return any(
        isinstance(node, ast.Call)
        and name in {getattr(node.func, "attr", ""), getattr(node.func, "id", "")}
        and node.args
        for node in parsed.nodes(source)
    )


def callers(name: str) -> set[str]:
    paths = {path: path.read_text("utf-8") for path in sorted(SOURCE.rglob("*.py"))}
    return {str(path.relative_to(SOURCE)) for path, text in paths.items() if calls(text, name)}


def opens_evidence(source: str) -> bool:
    """Whether a module asks a reader of a case for the bytes of evidence."""
    return any(
        isinstance(node, ast.Call)
        and getattr(node.func, "attr", "") == "evidence"
        and "reader" in ast.unparse(node.func).lower()
        for node in parsed.nodes(source)
    )


def test_evidence_is_opened_for_a_reader_where_it_is_listed():
    found = {
        str(path.relative_to(SOURCE))
        for path in sorted(SOURCE.rglob("*.py"))
        if opens_evidence(path.read_text("utf-8"))
    }
    assert found == set(OPENING["evidence"])


def test_files_are_opened_where_it_is_listed():
    assert callers("evidence_pieces") == set(STREAMED)


def test_twin_another_place_that_opens_evidence_is_seen():
    assert opens_evidence("x = self._reader.evidence(digest)")
    assert not opens_evidence("x = entry.evidence('log')")


def test_copies_are_decided_on_in_one_place():
    assert callers("may_take") == set(OPENING["may_take"])


def looks(source: str) -> bool:
    """Whether a module reads entries to look at them alone."""
    return any(
        isinstance(node, ast.keyword)
        and node.arg == "use"
        and isinstance(node.value, ast.Constant)
        and node.value.value == "look"
        for node in parsed.nodes(source)
    )


def test_who_looks_without_handing_out_is_listed():
    """To take is what one gets who says nothing: a new way out is held without being declared."""
    found = {
        str(path.relative_to(SOURCE))
        for path in sorted(SOURCE.rglob("*.py"))
        if looks(path.read_text("utf-8"))
    }
    assert found == set(LOOKS)


@pytest.mark.parametrize(
    "function", ["outcomes_recorded", "transcripts_scanned", "transcripts_graded", "_probed"]
)
def test_what_is_open_to_agreed_readers_can_be_made_view_only(function: str):
    """Whoever opens another part to them must say whether it holds what models answered."""
    source = Path(measurement.__file__).read_text("utf-8")
    (made,) = (
        node
        for node in parsed.tree(source).body
        if isinstance(node, ast.FunctionDef) and node.name == function
    )
    assert "agreed_readers('outcomes')" in ast.unparse(made)
    assert {type_ for type_, _ in ANSWERS} == {
        "outcomes-recorded",
        "transcripts-graded",
        "transcripts-scanned",
        "snapshot-seen",
        "snapshot-changed",
    }
