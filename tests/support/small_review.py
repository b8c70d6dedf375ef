"""The smallest whole review: one criterion in one mode, under a framework file of its own."""

from importlib import resources
from pathlib import Path

from support.reviews import Ran, touchstone


def write_framework(folder: Path, family: str = "payment-logic") -> Path:
    """The shipped example framework, with the one numeric criterion of that family left in."""
    shipped = resources.files("touchstone.framework").joinpath("shipped/example.toml")
    head, *criteria = shipped.read_text("utf-8").split("[[criteria]]")
    kept = [text for text in criteria if 'kind = "numeric"' not in text or f'"{family}"' in text]
    path = folder / "small.toml"
    text = "[[criteria]]".join([head.replace('id = "example"', 'id = "small"'), *kept])
    path.write_text(text, "utf-8")
    return path


def arguments(submission: Path, framework: Path, *more: str) -> tuple[str | Path, ...]:
    """A `review run` of one item by one worker; its editions lie beside the submission."""
    out = submission.parent / "out"
    chosen = ("--items", "1", "--workers", "1") if "--items" not in more else ("--workers", "1")
    return (
        "review",
        "run",
        submission,
        "--framework",
        framework,
        "--out",
        out,
        "--accept-grade",
        *chosen,
        *more,
    )


def small_review(submission: Path, framework: Path, home: Path, key: str, *more: str) -> Ran:
    """Run it to its end."""
    return touchstone(*arguments(submission, framework, *more), home=home, key=key)
