"""A family of claims: puts plan, program, terms, judge and reference together into items."""

import json
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache

from touchstone.evaluation.families.base import Item
from touchstone.evaluation.families.claims.measured import Measured
from touchstone.evaluation.families.claims.planting import ClaimModel, ClaimPlan, Part, slip_kind
from touchstone.evaluation.families.draws import Draws
from touchstone.evaluation.families.naming import item_id, task_label
from touchstone.evaluation.families.twins import TwinFamily, resource

ANSWER = "claims.json"
ANSWER_LIMIT = 32 * 1024
JUDGE_SECONDS = 10
MADE_KEPT = 1_000
"""Items that a process remembers: about 20 kB each."""

CLAIMING = """\
Find those {parts} and write the file claims.json, with one claim for each:

{{"claims": [{{"part": 3, "steps": [{example}], "right": {right}}}]}}

- part is the number of a {part} that the program has wrong.
{points}
- If no {part} is wrong, the right answer is {{"claims": []}}.
- There is one try. One wrong claim, or one flaw left out, and the task is not solved.
"""
"""How a prompt of such a family ends."""


class ClaimFamily(TwinFamily):
    """A family of which an item is a program, its terms, and claims about where they differ."""

    name: str
    version: str
    least_grade: str
    needs: tuple[str, ...]
    program_file: str
    """Where the program stands in the subject's folder."""
    terms_file: str
    domain: str
    model: ClaimModel
    deepest: tuple[str, ...]
    """Kinds of slips, the deepest first: of an item's the first is its label."""

    @cached_property
    def measured(self) -> Measured:
        """What the campaign (`make cheats`) found of its cheats."""
        return Measured.model_validate_json(self._beside("measured.json"))

    @property
    def cheat(self) -> str:
        """The cheapest way known to solve its items without what they seem to ask for."""
        return self.measured.clause

    @property
    def card(self) -> str:
        """The one-page card, Markdown, with what was measured of its cheats."""
        return self._beside("card.md").decode("utf-8").replace("@MEASURED@", self.measured.table)

    def _beside(self, name: str) -> bytes:
        return resource(type(self).__module__.rpartition(".")[0], name)

    @abstractmethod
    def plan(self, draw: Draws, difficulty: int) -> ClaimPlan:
        """Draw a plan."""

    @abstractmethod
    def program(self, plan: ClaimPlan, parts: Sequence[Part], label: str) -> str:
        """The program of these parts. The same label gives the same shape and forms."""

    @abstractmethod
    def texts(self, plan: ClaimPlan, parts: Sequence[Part], label: str) -> list[tuple[str, str]]:
        """Of each part its statements in the program, and the helpers that they call."""

    @abstractmethod
    def terms(self, plan: ClaimPlan, draw: Draws) -> str:
        """What people read."""

    def more_files(self) -> Mapping[str, bytes]:
        """What else is in the subject's folder, the same for all items."""
        return {}

    @abstractmethod
    def prompt(self, plan: ClaimPlan, label: str) -> str:
        """What the subject is told."""

    def plan_of(self, seed: int, difficulty: int) -> ClaimPlan:
        """What the item of that seed was made from.

        Raises:
            ValueError: seed or difficulty out of range.
        """
        identity = item_id(self.name, seed, difficulty)
        return self.plan(Draws(f"{identity}/{self.version}"), difficulty)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.version == getattr(other, "version", None)

    def __hash__(self) -> int:
        return hash((type(self), self.version))

    def generate(self, seed: int, difficulty: int) -> Item:
        """Make the item; what was made lately is not made again.

        A battery is drawn whenever a review goes on, each time from the same seed. Raises
        ValueError: seed or difficulty out of range.
        """
        return made_item(self, seed, difficulty)

    def make_item(self, seed: int, difficulty: int, *, mended: bool) -> Item:
        """The item, or its twin: same terms, same prompt, the program without a flaw."""
        identity = item_id(self.name, seed, difficulty)
        plan = self.plan_of(seed, difficulty)
        slips = () if mended else plan.slips
        parts = self.model.slips_made(plan.parts, slips)
        judged = {"facts": plan.facts, "parts": plan.parts, "slips": slips}
        return Item(
            id=identity,
            family=self.name,
            version=self.version,
            seed=seed,
            difficulty=difficulty,
            prompt=self.prompt(plan, task_label(identity)),
            files={
                self.program_file: self.program(plan, parts, identity).encode(),
                self.terms_file: self.terms(plan, Draws(f"{identity}/terms")).encode(),
                **self.more_files(),
            },
            answer=ANSWER,
            answer_limit=ANSWER_LIMIT,
            judge_files={
                "judge.py": resource(__package__, "judge.py"),
                "model.py": self._beside("model.py"),
                "item.json": json.dumps(judged).encode(),
            },
            judge=("python3", "-I", "-B", "judge.py"),
            judge_seconds=JUDGE_SECONDS,
            reference=b'{"claims": []}\n' if mended else claims_reference(plan),
            domain=self.domain,
            flaw=f"{self.name}/{_label(self.deepest, plan, mended=mended)}",
        )


def claims_reference(plan: ClaimPlan) -> bytes:
    """The content of `claims.json`."""
    claims = [
        {"part": place + 1, "steps": shown.steps, "right": shown.right}
        for (place, _), shown in zip(plan.slips, plan.shown, strict=True)
    ]
    return (json.dumps({"claims": claims}) + "\n").encode()


@lru_cache(MADE_KEPT)
def made_item(family: ClaimFamily, seed: int, difficulty: int) -> Item:
    """The item of a family, a seed and a difficulty; one that was made lately is not made again."""
    # It has nothing of its own but its version: two of a kind make the same items.
    return family.make_item(seed, difficulty, mended=False)


def _label(deepest: Sequence[str], plan: ClaimPlan, *, mended: bool) -> str:
    """What the deepest of its flaws is; items without one are alike in that."""
    if mended or not plan.slips:
        return "none"
    return min(map(slip_kind, plan.slips), key=deepest.index).replace("_", "-")
