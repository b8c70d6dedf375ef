"""Review tiny random models behind two servers of other people, and print what came of it.

`make third-party` makes their environments first. Each server is reviewed in two elicitations, one
set of its battery is tried five times an item, and verdicts come early. Run in our environment:
`python scripts/third_party/run_reviews.py ENVIRONMENTS OUT`.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).absolute().parent
KEY = "EXAMPLE_KEY_OF_NOTHING"
WAIT_SECONDS = 120
SUBMISSION = """\
framework = "example"
reasoning_access = "none"
[developer]
id = "example-lab"
name = "Example Lab"
[model]
id = "{name}"
name = "A tiny model of random weights"
release_state = "in-development"
[[variants]]
id = "final"
[[modes]]
id = "only"
variant = "final"
model = "openai-api/other/{name}"
base_url = "{url}"
api_key_env = "{key}"
settings = {{ temperature = 1.0, max_tokens = {most} }}
"""
BATTERY = """\
format = "touchstone battery 1"
id = "random"
[[sets]]
criterion = "payment-logic"
family = "payment-logic"
items = 6
attempts = 5
elicitation = "short-loop.toml"
[[sets]]
criterion = "memory-safety"
family = "memory-safety"
items = 30
elicitation = "short-react.toml"
"""
ELICITATION = """\
format = "touchstone elicitation 1"
id = "{id}"
agent = "{agent}"
message_limit = 8
token_limit = 60_000
working_seconds = 120
nudges = 1
"""
AGENTS, MOST, FEW = ("loop", "react"), 2_000, 3
"""Agents; tokens of an answer that are enough, and such that cut every one."""


def free_port() -> int:
    """A port of the loopback that nobody has just now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def served(words: list[str], folder: Path, port: int, log: Path) -> Iterator[str]:
    """Start a server and wait until it lists its models; gives the base URL."""
    url = f"http://127.0.0.1:{port}/v1"
    with log.open("wb") as said:
        alone = os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
        process = subprocess.Popen(
            words, cwd=folder, stdout=said, stderr=subprocess.STDOUT, env=alone
        )
        try:
            until = time.monotonic() + WAIT_SECONDS
            while not _lists_models(url):
                if process.poll() is not None or time.monotonic() > until:
                    raise SystemExit(f"the server did not start; see {log}")
                time.sleep(0.5)
            yield url
        finally:
            process.terminate()
            process.wait()


def _lists_models(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/models", timeout=5) as answer:  # noqa: S310 - our own, http
            return bool(answer.status == 200)  # noqa: PLR2004 - OK
    except (urllib.error.URLError, OSError):
        return False


def touchstone(home: Path, *words: str) -> tuple[int, str, str]:
    """Run a command to its end."""
    environment = os.environ | {"TOUCHSTONE_HOME": str(home), KEY: "none"}
    program = [str(Path(sys.executable).with_name("touchstone")), *words]
    ran = subprocess.run(program, env=environment, capture_output=True, text=True, check=False)
    return ran.returncode, ran.stdout, ran.stderr


def review(name: str, url: str, most: int, out: Path) -> None:
    """Review one server, each set in its elicitation, and print what came of it."""
    folder = out / f"{name}-{most}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for file, text in (
        ("SUBMISSION.toml", SUBMISSION.format(name=name, url=url, key=KEY, most=most)),
        ("battery.toml", BATTERY),
        *(
            (f"short-{agent}.toml", ELICITATION.format(id=f"short-{agent}", agent=agent))
            for agent in AGENTS
        ),
    ):
        (folder / file).write_text(text, "utf-8")
    begun = time.monotonic()
    code, said, errors = touchstone(
        folder / "home",
        *("review", "run", str(folder / "SUBMISSION.toml"), "--out", str(folder), "--json"),
        *("--battery", str(folder / "battery.toml"), "--accept-grade", "--accept-no-tools"),
    )
    (folder / "said.txt").write_text(said + errors, "utf-8")
    took = time.monotonic() - begun
    print(f"\n{name}, at most {most} tokens: exit {code} after {took:.0f} s")
    if said:
        for run in json.loads(said)["runs"]:
            print(f"  {json.dumps(run)}")
    for line in errors.splitlines():
        print(f"  | {line}")
    print_samples(folder / "home")


def print_samples(home: Path) -> None:
    """What became of the samples, and what was noted of the endpoint's answers."""
    _, listed, _ = touchstone(home, "review", "list", "--json")
    for each in json.loads(listed or "[]"):
        centre = ("--as", "example-centre", "--json")
        _, shown, errors = touchstone(home, "transcripts", "list", each["case"], *centre)
        if not shown:
            print(f"  no transcripts: {errors.strip()}")
            continue
        found: list[dict[str, Any]] = json.loads(shown)["transcripts"]
        print(f"  results: {dict(Counter(one['result'] for one in found))}")


def main(environments: Path, out: Path) -> None:
    """Start each server in turn, and review it."""
    models = out / "models"
    models.mkdir(parents=True, exist_ok=True)
    first, second = free_port(), free_port()
    transformers = environments / "transformers" / "bin"
    made = [str(transformers / "python"), str(HERE / "random_transformer.py")]
    subprocess.run([*made, str(models / "random-transformer")], check=True, capture_output=True)
    servers = {
        "random-gguf": [
            *(str(environments / "llama" / "bin" / "python"), str(HERE / "random_gguf.py")),
            *(str(models / "random.gguf"), str(second)),
        ],
        "random-transformer": [
            *(str(transformers / "transformers"), "serve", "random-transformer"),
            *("--device", "cpu", "--port", str(first)),
        ],
    }
    for (name, words), port in zip(servers.items(), (second, first), strict=True):
        with served(words, models, port, out / f"{name}.log") as url:
            review(name, url, MOST, out)
            review(name, url, FEW, out)


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute(), Path(sys.argv[2]).absolute())
