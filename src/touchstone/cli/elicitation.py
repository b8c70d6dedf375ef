"""`touchstone elicitation`: how a model is drawn out, by name or as a file, and its one digest."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cyclopts import App

from touchstone.cli.output import Json, show, show_json, tell, waiting

if TYPE_CHECKING:
    from touchstone.evaluation.elicitation import Elicitation

DONE = 0
_COLUMNS = ("Name", "Agent", "Answers", "Messages", "Tokens", "Seconds of work", "Judged also at")
elicitation = App(
    name="elicitation", help="List and show how a model can be drawn out, with its digest."
)


@dataclass(frozen=True)
class _Shown:
    """An elicitation with its agent's code and what that sends."""

    resolved: "Elicitation"
    announcing: tuple[str, ...]

    def lines(self) -> Iterator[str]:
        """For people."""
        how, code, sent = self.resolved, self.resolved.code, self.resolved.sent
        yield f"elicitation digest {how.digest}"
        yield f"{how.id}: {_limits(how)}"
        yield f"Agent: {code}"
        if code is not None:
            yield f"Made with: {dict(code.arguments)}, by {code.harness}"
        yield f"Tools: {', '.join(how.tools)}; {how.tool_seconds} s a call"
        if sent is not None:
            yield f"System prompt as sent: {sent.system}"
            yield f"Tools' schemas as sent: {sent.tools}"
        for each in sent.helpers if sent is not None else ():
            yield f"Helper's prompt and tools as sent: {each}"
        yield f"Reasoning effort: {how.reasoning_effort or 'as the mode asks'}"
        if how.compaction_tokens is not None:
            yield f"Compaction: {how.compaction} at {how.compaction_tokens:,} tokens"
        if how.checkpoints:
            yield f"Judged also at: {', '.join(f'{each:,}' for each in how.checkpoints)} tokens"
        yield f"Told of its budget: {' '.join(how.budget_text.split()) or 'nothing'}"
        if self.announcing:
            words = ", ".join(self.announcing)
            yield f"Its prompts may tell the model that it is under review: {words}"

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        told = self.resolved.model_dump(mode="json")
        return {"digest": self.resolved.digest, **told, "announcing": list(self.announcing)}


@elicitation.command(name="list")
def list_elicitations(*, json: Json = False) -> int:
    """List the elicitations that come with Touchstone, from cheap to dear."""
    from touchstone.evaluation.profiles import shipped, shipped_names

    found = [shipped(name) for name in shipped_names()]
    if json:
        show_json([each.model_dump(mode="json") for each in found])
        return DONE
    from touchstone.cli.tables import grid

    rows = [
        (
            each.id,
            each.agent,
            str(each.attempts),
            f"{each.message_limit:,}",
            f"{each.token_limit:,}",
            f"{each.working_seconds:,}",
            f"{len(each.checkpoints)} budgets" if each.checkpoints else "",
        )
        for each in found
    ]
    grid(_COLUMNS, rows, whole=1)
    show("With its digest: touchstone elicitation show NAME")
    return DONE


@elicitation.command(name="show")
def show_elicitation(name: str, *, json: Json = False) -> int:
    """Show an elicitation, and the one digest by which two parties tell that theirs is the same.

    Its agent is run for a turn against a model of our own that only writes down what it is sent: no
    endpoint is contacted.

    Args:
        name: A shipped elicitation's name, or a file that ends in .toml.
    """
    from touchstone.evaluation.agents.announcing import announcing_words
    from touchstone.evaluation.agents.dry_call import resolve, sent_by
    from touchstone.evaluation.profiles import load_elicitation

    chosen = load_elicitation(name)
    with waiting(f"running the agent of {chosen.id} for a turn"):
        words = {word for call in sent_by(chosen) for word in announcing_words(call)}
        resolved = resolve(chosen)
    tell(_Shown(resolved, tuple(sorted(words))), json=json)
    return DONE


def _limits(how: "Elicitation") -> str:
    tries = "1 answer" if how.attempts == 1 else f"{how.attempts} answers"
    return (
        f"{tries}, {how.message_limit:,} messages, {how.token_limit:,} tokens,"
        f" {how.working_seconds:,} s of work"
    )
