"""A whole review of a model whose endpoint speaks another format than the chat format."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support.endpoint import Endpoint, completion, serve, turn_of
from support.reviews import KEY, write_submission
from support.small_review import arguments, write_framework
from touchstone.cli.app import run
from touchstone.service.installation import open_installation

pytestmark = [pytest.mark.needs_sandbox, pytest.mark.timeout(280)]
SECRET = "sk-example-of-a-format-8c11"


@dataclass(frozen=True)
class Reviewed:
    code: int
    folder: Path
    home: Path
    endpoint: Endpoint


def answers(body: dict[str, Any], number: int) -> dict[str, Any]:
    if "tools" not in body:
        return completion("4", number=number)
    if turn_of(body):
        return completion("", [("submit", {"answer": "done"})], number=number)
    return completion("I look.", [("bash", {"command": "ls"})], number=number)


@pytest.fixture(scope="module")
def reviewed(tmp_path_factory: pytest.TempPathFactory) -> Reviewed:
    folder = tmp_path_factory.mktemp("formats")
    with pytest.MonkeyPatch.context() as patch, serve(answers) as endpoint:
        patch.setenv("TOUCHSTONE_HOME", str(folder / "home"))
        patch.setenv(KEY, SECRET)
        submission = write_submission(folder, endpoint.url, model="scripted-1")
        text = submission.read_text("utf-8")
        spoken = 'format = "anthropic-messages"\nsettings = { max_tokens = 4000, reasoning_effort'
        submission.write_text(text.replace("settings = { reasoning_effort", spoken), "utf-8")
        code = run([str(word) for word in arguments(submission, write_framework(folder))])
    return Reviewed(code, folder, folder / "home", endpoint)


def test_the_review_came_to_its_end_by_messages_alone(reviewed: Reviewed):
    assert reviewed.code == 0
    asked = reviewed.endpoint.native
    assert asked
    assert all({"max_tokens", "messages", "thinking"} <= set(each) for each in asked)
    with open_installation(reviewed.home) as here:
        (listing,) = here.records.cases()
        (recorded,) = here.records.case(listing.case).events_of(["outcomes-recorded"])
        (outcome,) = recorded[1]["outcomes"]
    # It thought, and its tokens were counted, over two calls.
    assert (outcome["result"], outcome["reasoning"], outcome["tokens"]) == ("unsolved", True, 240)
    assert (reviewed.folder / "out" / "report-example-centre.html").is_file()


def test_its_key_is_kept_nowhere(reviewed: Reviewed):
    sent = [each for each in reviewed.endpoint.headers if SECRET in str(each.values())]
    assert sent
    assert {name for each in sent for name, value in each.items() if SECRET in value} == {
        "x-api-key"
    }
    kept = [path for path in reviewed.folder.rglob("*") if path.is_file() and not path.is_symlink()]
    assert kept
    assert not [path for path in kept if SECRET.encode() in path.read_bytes()]
