"""A distribution with a family of tasks, as pip would have left it: modules beside a .dist-info."""

from pathlib import Path

LOADED = "loaded.txt"
"""Written beside the package when its code is imported."""
CODE = '''\
"""Copies a word."""

from pathlib import Path

from touchstone.evaluation.families.base import Item
from touchstone.evaluation.families.naming import item_id, task_label

with (Path(__file__).parent.parent / "loaded.txt").open("a") as loaded:
    loaded.write("loaded\\n")
print("a line that is no command's output")

JUDGE = b"""
import json
same = open("answer.txt").read().strip() == open("secret.txt").read().strip()
print(json.dumps({"score": int(same), "reason": "the word is as it is"}))
"""


class Copying:
    name = "example-copy"
    version = "1"
    least_grade = "none"
    needs = ("python3",)
    card = "Copies a word."
    cheat = "copying a word is no more than that"

    def generate(self, seed: int, difficulty: int) -> Item:
        identity = item_id(self.name, seed, difficulty)
        word = f"word-{task_label(identity)}"
        return Item(
            id=identity,
            family=self.name,
            version=self.version,
            seed=seed,
            difficulty=difficulty,
            prompt=f"Copy {word} from word.txt into answer.txt.",
            files={"word.txt": word.encode()},
            answer="answer.txt",
            answer_limit=100,
            judge_files={"judge.py": JUDGE, "secret.txt": word.encode()},
            judge=("python3", "judge.py"),
            judge_seconds=20,
            reference=word.encode(),
        )


FAMILY = Copying()
'''


def install(
    folder: Path,
    *,
    distribution: str = "example-lab-tasks",
    code: str = CODE,
    offers: str = "example-copy = {module}.tasks:FAMILY",
    version: str = "1.2",
) -> str:
    """Put the distribution below a folder of the path; gives the name of its package."""
    module = distribution.replace("-", "_")
    package = folder / module
    package.mkdir(parents=True, exist_ok=True)
    (package / "__init__.py").write_text("", "utf-8")
    (package / "tasks.py").write_text(code, "utf-8")
    about = folder / f"{module}-{version}.dist-info"
    about.mkdir(exist_ok=True)
    metadata = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
    (about / "METADATA").write_text(metadata, "utf-8")
    entries = f"[touchstone.families]\n{offers.format(module=module)}\n"
    (about / "entry_points.txt").write_text(entries, "utf-8")
    return module


def configure(home: Path, text: str = "") -> Path:
    """The configuration of a home; without a text it names the package's family."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = home / "touchstone.toml"
    named = '[families.packages]\nexample-copy = "example-lab-tasks"\n'
    path.write_text(text or named, "utf-8")
    path.chmod(0o600)
    return path
