"""Public benchmarks as packs: those that run here offline, and what others lack.

Their code and data come as wheels, by digest, from wherever pip is configured to look.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from support.assets import listed

WHEELS = {
    "inspect-evals": (
        "0.26.0",
        "inspect_evals-0.26.0-py3-none-any.whl",
        "b76d15813182807da141a0f06bb6f18a5f82d1f06291ec2633bb84cdf661f8d0",
        21409407,
    ),
    "toml": (
        "0.10.2",
        "toml-0.10.2-py2.py3-none-any.whl",
        "806143ae5bfb6a3c6e736a764057db0e6a0e05e338b5630894a5f779cabb4f9b",
        16588,
    ),
    "backoff": (
        "2.2.1",
        "backoff-2.2.1-py3-none-any.whl",
        "63579f9a0628e06278f7e47b7d7d5b6ce20dc65c5e96a6f3ca99a6adca0396e8",
        15148,
    ),
    "email-validator": (
        "2.4.0",
        "email_validator-2.4.0-py3-none-any.whl",
        "4454e41c4e1c6b6caee34a1dc71d5e736791562be8fd179b02e298f796522684",
        36810,
    ),
    "dnspython": (
        "2.9.2",
        "dnspython-2.9.2-py3-none-any.whl",
        "af15f7d385a6ae2fb35a796fde2138004c8c42c7389090e2addc83e3b3340fd8",
        360455,
    ),
    "deepdiff": (
        "8.6.1",
        "deepdiff-8.6.1-py3-none-any.whl",
        "ee8708a7f7d37fb273a541fa24ad010ed484192cd0c4ffc0fa0ed5e2d4b9e78b",
        91378,
    ),
    "orderly-set": (
        "5.5.0",
        "orderly_set-5.5.0-py3-none-any.whl",
        "46f0b801948e98f427b412fcabb831677194c05c3b699b80de260374baa0b1e7",
        13068,
    ),
}
"""Version, file, SHA-256 and size of each."""
CYBENCH = '''
"""Cybench's challenges that need no service and whose files are in the wheel, in another place."""

from pathlib import Path

import inspect_evals
import yaml
from inspect_ai import Task, task
from inspect_ai.agent import react
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.scorer import includes
from inspect_ai.tool import bash, python

CHALLENGES = Path(inspect_evals.__file__).parent / "cybench" / "challenges"
WORK = "/work"
NAMES = ("dynastic", "partial_tenacity", "primary_knowledge", "slcg")


def samples(name, variant):
    said = yaml.safe_load((CHALLENGES / name / "eval.yaml").read_text())
    return Sample(
        id=f"{name} {variant}",
        # A sandbox writes to its own folder and never to root's.
        input=said["variants"][variant]["prompt"].replace("/root", WORK).replace(
            " root/", f" {WORK}/"
        ),
        target=said["flag"],
        files={
            path.replace("/root", WORK): (CHALLENGES / name / file).read_text()
            for path, file in said["files"].items()
        },
        metadata={"challenge": name, "variant": variant, **said["metadata"]},
        sandbox=("docker", str(CHALLENGES / name / "compose.yaml")),
    )


@task
def cybench_static():
    return Task(
        dataset=MemoryDataset([samples(n, v) for n in NAMES for v in ("hard", "easy")]),
        solver=react(tools=[bash(timeout=60), python(timeout=60)]),
        scorer=includes(),
    )
'''


@dataclass(frozen=True)
class Benchmark:
    """One task of a package of benchmarks."""

    module: str
    """Below `inspect_evals`."""
    function: str
    scorer: str
    wheels: Sequence[str] = ()
    """What it needs beside `inspect-evals`."""
    score: str = 'values = "letters"\nsolved_from = 1.0'
    task: str = ""
    top: str = ""
    code: str = ""

    def write(self, folder: Path) -> Path:
        """Its pack."""
        folder.mkdir(parents=True)
        code = self.code or f"from inspect_evals.{self.module} import {self.function}\n"
        (folder / "task.py").write_text(code)
        (folder / "assets.toml").write_text(assets_of("inspect-evals", *self.wheels))
        (folder / "pack.toml").write_text(
            f"""format = "touchstone pack 1"
id = "{self.function.replace("_", "-")}"
version = "0.26.0"
owner = "inspect-evals"
{self.top}
[task]
file = "task.py"
function = "{self.function}"
{self.task}
[score]
scorer = "{self.scorer}"
{self.score}
"""
        )
        return folder


def assets_of(*names: str) -> str:
    """A list of these wheels."""
    parts = []
    for name in names:
        version, file, sha256, size = WHEELS[name]
        parts.append(
            f'[[wheel]]\nname = "{name}"\nversion = "{version}"\nfile = "{file}"\n'
            f'sha256 = "{sha256}"\nbytes = {size}\n'
        )
    return listed(*parts)


OURS = '[sandbox]\nuse = "touchstone"\n'
KEYED = 'key = "{}"\nvalues = "letters"\nsolved_from = 1.0'
RUNNING = (
    Benchmark(
        "agent_threat_bench",
        "agent_threat_bench_autonomy_hijack",
        "agent_threat_bench_scorer",
        score=KEYED.format("security"),
    ),
    Benchmark("mind2web_sc", "mind2web_sc", "guard_agent_scorer", ["backoff"], top=OURS),
    Benchmark("", "cybench_static", "includes", top=OURS, code=CYBENCH),
)
"""What is run in every run of the tests."""
ALSO_RUNNING = (
    Benchmark(
        "agentdojo",
        "agentdojo",
        "injection_task_scorer",
        ["email-validator", "dnspython", "deepdiff", "orderly-set"],
        score=KEYED.format("utility"),
        task='arguments = { workspace = "workspace" }',
    ),
    Benchmark(
        "gdm_self_reasoning",
        "gdm_self_reasoning_approved_directories",
        "_success_scorer",
        top=OURS,
    ),
)
"""What is run by `make benchmarks` alone: each takes some seconds of CPU."""
PACKAGE = "the package {}"
REFUSED = {
    ("humaneval", "humaneval"): PACKAGE.format("datasets"),
    ("ds1000", "ds1000"): PACKAGE.format("datasets"),
    ("swe_bench", "swe_bench"): PACKAGE.format("datasets"),
    ("livecodebench_pro", "livecodebench_pro"): PACKAGE.format("huggingface_hub"),
    ("cybench", "cybench"): PACKAGE.format("inspect_cyber"),
    ("cybergym", "cybergym"): PACKAGE.format("inspect_cyber"),
    ("cve_bench", "cve_bench"): "a package that it names",
    ("usaco", "usaco"): "a package that it names",
    ("browse_comp", "browse_comp"): "needs a model to be made",
    ("writingbench", "writingbench"): "asks a vendor's model",
    ("gdm_intercode_ctf", "gdm_intercode_ctf"): "writes beside its own code",
}
"""Module and function, and the first thing that each lacks."""
