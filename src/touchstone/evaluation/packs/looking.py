"""What of a task cannot be borne by a seal, as far as it can be seen by looking at its code.

A pack that hides it is not seen: this is for honest packs. What holds a hostile one is that its
process has no other item, no key and no network.
"""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from inspect_ai import Task
from inspect_ai.dataset import Dataset, Sample

from touchstone.evaluation.inspect_seam import unqualified_name

_LOG_READERS = frozenset({"read_eval_log", "read_eval_log_samples", "list_eval_logs", "samples_df"})


def scorer_names(task: Task) -> list[str]:
    """The names of its scorers, as Inspect's log has them."""
    return [unqualified_name(each) for each in task.scorer or []]


def faults_of(task: Task, folder: Path) -> list[str]:
    """Why the task cannot be sealed, a line each."""
    return [
        *_models(task),
        *_neighbours(task),
        *_fixed_graders(folder),
    ]


def _models(task: Task) -> Iterator[str]:
    if task.model is not None:
        yield f"the task names a model of its own ({task.model}); the review names the subject"
    if task.model_roles:
        names = ", ".join(sorted(task.model_roles))
        yield f"the task gives models to roles itself ({names}); declare the roles in pack.toml"


def _neighbours(task: Task) -> Iterator[str]:
    """Scorers whose code reaches other samples."""
    for each in task.scorer or []:
        for where in _reached(each):
            yield f"the scorer {unqualified_name(each)} looks at other samples ({where})"


def _reached(function: Any) -> Iterator[str]:
    code = getattr(function, "__code__", None)
    if code is None:
        return
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        try:
            value = cell.cell_contents
        except ValueError:
            continue
        if _holds_samples(value):
            yield name
    for name in code.co_names:
        if name in _LOG_READERS or _holds_samples(function.__globals__.get(name)):
            yield name


def _holds_samples(value: Any) -> bool:
    if isinstance(value, Dataset | Sample):
        return True
    return isinstance(value, list | tuple) and any(isinstance(each, Sample) for each in value)


def _fixed_graders(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*.py")):
        try:
            tree = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError, RecursionError):
            continue
        for name, line in fixed_models(ast.walk(tree)):
            yield (
                f"{path}:{line}: a model is fixed to {name!r}; ask for it by a role"
                ' (get_model(role="grader")) and declare the role'
            )


def fixed_models(nodes: Iterable[ast.AST]) -> Iterator[tuple[str, int]]:
    """Models that calls name themselves: the name, and the line."""
    for node in nodes:
        if not isinstance(node, ast.Call):
            continue
        named = [
            each.value for each in node.keywords if each.arg in {"model", "grader", "grader_model"}
        ]
        called = getattr(node.func, "id", getattr(node.func, "attr", ""))
        named += node.args[:1] if called == "get_model" else []
        for each in named:
            # A vendor's name and a model's, as Inspect writes them.
            if isinstance(each, ast.Constant) and isinstance(each.value, str) and "/" in each.value:
                yield each.value, node.lineno
