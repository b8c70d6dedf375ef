"""A family of trivial items: copy a word from one file into another."""

from touchstone.evaluation import (
    BatteryPlan,
    ChunkSpec,
    Elicitation,
    ItemSetPlan,
    Mode,
    draw_battery,
)
from touchstone.evaluation.batteries import Battery
from touchstone.evaluation.chunks import ranges
from touchstone.evaluation.families.base import Item
from touchstone.evaluation.outcomes import AdjudicationRule
from touchstone.evaluation.submission import endpoint_digest

SEED = bytes(range(32))
JUDGE = b"""\
import json
said = open("answer.txt").read().strip()
secret = open("secret.txt").read().strip()
print("looking")
print(json.dumps({"score": int(said == secret), "reason": "the word is %s" % (
    "right" if said == secret else "wrong")}))
"""


class ToyFamily:
    """`judge` may be replaced, to show what a faulty judge does."""

    name = "toy"
    version = "1"
    least_grade = "none"
    needs: tuple[str, ...] = ()
    card = "Copies a word."
    cheat = ""

    def __init__(self, judge: bytes = JUDGE, seconds: int = 20) -> None:
        self.judge = judge
        self.seconds = seconds

    def generate(self, seed: int, difficulty: int) -> Item:
        word = f"word-{seed:016x}"
        return Item(
            id=f"toy/{difficulty}-{seed:016x}",
            family="toy",
            version="1",
            seed=seed,
            difficulty=difficulty,
            prompt=f"Copy the word in word.txt ({word}) into answer.txt.",
            files={"word.txt": word.encode() + b"\n"},
            answer="answer.txt",
            answer_limit=100,
            judge_files={"judge.py": self.judge, "secret.txt": word.encode()},
            judge=("python3", "judge.py"),
            judge_seconds=self.seconds,
            reference=word.encode(),
        )


def toy_battery(size: int = 8, family: ToyFamily | None = None) -> Battery:
    plan = BatteryPlan(
        id="b1",
        sets=(ItemSetPlan(id="copying", criterion="copying", family="toy", counts={1: size}),),
    )
    return draw_battery(plan, {"toy": family or ToyFamily()}, SEED)


def toy_mode(base_url: str, name: str = "openai-api/toy/scripted", mode: str = "instant") -> Mode:
    return Mode(id=mode, variant="final", model=name, base_url=base_url, api_key_env="TOY_API_KEY")


def toy_spec(
    battery: Battery,
    mode: Mode,
    elicitation: Elicitation,
    *,
    case: str = "case-1",
    place: int = 0,
    chunk: int = 16,
) -> ChunkSpec:
    size = len(battery.sealed.find("copying").commitments)
    return ChunkSpec(
        case=case,
        battery=battery.sealed.digest,
        item_set="copying",
        variant=mode.variant,
        mode=mode.id,
        endpoint=endpoint_digest(mode),
        elicitation=elicitation.digest,
        rule=AdjudicationRule().digest,
        indices=list(ranges(size, chunk))[place],
    )
