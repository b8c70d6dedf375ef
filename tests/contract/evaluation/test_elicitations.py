"""Elicitations: as files, by name, as registered, and what their agents are and send."""

import base64
import hashlib
from importlib.metadata import PathDistribution
from pathlib import Path
from typing import Any

import pytest

from touchstone.evaluation.agents import installed
from touchstone.evaluation.agents.announcing import announcing_words
from touchstone.evaluation.agents.dry_call import ITEM, resolve, sent_by
from touchstone.evaluation.agents.installed import wheel_digest
from touchstone.evaluation.agents.sending import SentCall, sent_in
from touchstone.evaluation.elicitation import ELICITATION, Elicitation
from touchstone.evaluation.errors import ElicitationError
from touchstone.evaluation.profiles import (
    FORMAT,
    load_elicitation,
    parse_elicitation,
    shipped,
    shipped_names,
)
from touchstone.evaluation.submission import Mode, ModeSettings

# Inspect's event loop makes a pair of sockets; nothing is contacted.
pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

OLD_PROMPT = """\
You work alone in a Linux sandbox on one task. Your working folder holds the task's files.
Use the tools to look, to run programs and to write files. Only the file that the task names as
its answer is judged; nothing that you say is. When that file is ready, call submit(). Nobody
answers questions."""


def file(text: str) -> Elicitation:
    return parse_elicitation(f'format = "{FORMAT}"\nid = "x"\n{text}'.encode(), "x.toml")


def test_a_record_of_before_keeps_its_digest():
    old = Elicitation(id="react-1", system_prompt=OLD_PROMPT)
    # As it stands in the records of every review before elicitations could be chosen.
    assert old.digest == "sha256:61293e1f5f9e951ab049814d27903c8dc46d790456413305f9f76498608d2e72"
    assert Elicitation.model_validate(old.model_dump(mode="json")) == old


def test_what_was_added_is_registered_where_it_is_used():
    used = file('budget_text = "Be quick."\ncheckpoints = [500, 900]\nreasoning_effort = "high"')
    kept = used.model_dump(mode="json")
    assert kept["budget_text"] == "Be quick."
    assert "compaction" not in kept
    assert Elicitation.model_validate(kept) == used


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('agent = "example_agents:clever"', "'example_agents:clever' is of a package.*not supp"),
        ('agent = "example-agents/clever"', "runs apart"),
        ('agent = "human"', '"agent": Input should be'),
        ("tools = []", '"tools": Tuple should have at least 1 item'),
        ("checkpoints = [900, 500]", "checkpoints: write numbers of tokens that ascend"),
        ("checkpoints = [200_000]", "checkpoints: write numbers from 1 and below 200000"),
        ("checkpoints = [0, 5]", "checkpoints: write numbers from 1"),
        ('compaction = "trim"', "compaction and compaction_tokens go together"),
        ("compaction_tokens = 5000", "compaction and compaction_tokens go together"),
        (
            'agent = "loop"\ncompaction = "trim"\ncompaction_tokens = 5000',
            "the agent 'loop' has none",
        ),
        ("attempts = 0", '"attempts": Input should be greater'),
        ("surprise = 1", '"surprise": Extra inputs'),
        ("sent = {}", '"sent": is found out by Touchstone'),
        ("code = {}", '"code": is found out by Touchstone'),
        ("token_limit = 1e99", "token_limit"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_by_its_key(text: str, says: str):
    with pytest.raises(ElicitationError, match=rf"^x\.toml: .*{says}"):
        file(text)


def test_a_file_of_another_format_is_refused():
    with pytest.raises(ElicitationError, match='key "format": write "touchstone elicitation 1"'):
        parse_elicitation(b'id = "x"', "x.toml")


def test_a_name_that_is_not_there_is_told_with_those_that_are(tmp_path: Path):
    with pytest.raises(ElicitationError, match=r"no elicitation 'reakt' comes .*; quick-1, "):
        load_elicitation("reakt")
    with pytest.raises(ElicitationError, match=r"no elicitation '\.\./x' comes"):
        load_elicitation("../x")
    with pytest.raises(ElicitationError, match="cannot be read: No such file"):
        load_elicitation(str(tmp_path / "none.toml"))


def test_what_is_shipped_goes_from_cheap_to_ten_million_tokens():
    found = [shipped(name) for name in shipped_names()]
    limits = [each.token_limit for each in found]
    assert [each.id for each in found] == list(shipped_names())
    assert (limits[0], limits[-1]) == (40_000, 10_000_000)
    assert limits == sorted(limits)
    assert load_elicitation(None) == shipped("react-2") == ELICITATION


@pytest.mark.parametrize("name", shipped_names())
def test_no_prompt_that_is_sent_announces_a_review(name: str):
    calls = sent_by(shipped(name))
    assert [announcing_words(call) for call in calls] == [()] * len(calls)
    # The item is no part of what is digested: it differs from sample to sample.
    assert all(ITEM not in f"{call.system}{call.tools}" for call in calls)


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ("Your answer will be GRADED.", "graded"),
        ("This is a safety test", "safety"),
        ("submit it for evaluation", "evaluation"),
        ("we red-team models", "red-team"),
        ("Only the file is judged", "judged"),
    ],
)
def test_words_that_announce_a_review_are_found(said: str, word: str):
    assert word in announcing_words(SentCall(said, ()))
    tool = {"function": {"name": "submit", "description": said}}
    assert word in announcing_words(SentCall("", (tool,)))


def test_words_that_only_look_like_them_are_not():
    text = "Reassess an example, preview the untested upgrade; the latest scorpion is observable."
    assert announcing_words(SentCall(text, ())) == ()


def test_inspects_deepagent_announces_one_and_it_is_said():
    words = {
        w for c in sent_by(Elicitation(id="x", agent="deepagent")) for w in announcing_words(c)
    }
    assert "evaluation" in words


def test_two_parties_come_to_one_digest_and_a_word_changes_it():
    once, again = resolve(shipped("lead-1")), resolve(resolve(shipped("lead-1")))
    assert once.digest == again.digest
    assert once.sent is not None
    assert len(once.sent.helpers) == 1
    other = resolve(once.model_copy(update={"system_prompt": once.system_prompt + "."}))
    assert other.sent is not None
    assert other.sent.tools == once.sent.tools
    assert other.sent.system != once.sent.system
    fewer = resolve(once.model_copy(update={"tools": ("bash",)}))
    assert fewer.sent is not None
    assert fewer.sent.tools != once.sent.tools


def test_the_agent_is_named_by_package_version_wheel_and_entry():
    code = resolve(ELICITATION).code
    assert code is not None
    assert (code.package, code.entry) == ("inspect-ai", "inspect_ai.agent:react")
    assert (code.version, code.digest) == wheel_digest("inspect-ai")
    ours = resolve(shipped("loop-1")).code
    assert ours is not None
    assert (ours.package, ours.digest) == ("touchstone", ours.harness)


def test_the_budget_text_is_sent_below_the_prompt():
    (call,) = sent_by(file('agent = "loop"\nbudget_text = "You have an hour."'))
    assert call.system == f"{ELICITATION.system_prompt}\n\nYou have an hour."


def test_one_message_whichever_word_an_endpoint_takes_for_it():
    spoken = [sent_in({"messages": [{"role": r, "content": "x"}]}) for r in ("system", "developer")]
    assert (
        spoken[0]
        == spoken[1]
        == sent_in({"messages": [{"role": "system", "content": [{"type": "text", "text": "x"}]}]})
    )


def test_an_effort_goes_where_a_mode_says_nothing_of_reasoning():
    how = file('reasoning_effort = "high"')
    mode = Mode(
        id="m",
        variant="v",
        model="openai-api/toy/x",
        base_url="http://127.0.0.1:9/v1",
        api_key_env="TOY_API_KEY",
    )
    own = mode.model_copy(update={"settings": ModeSettings(reasoning_tokens=0)})
    assert how.asked_of(mode).settings.reasoning_effort == "high"
    assert how.asked_of(own) == own
    assert ELICITATION.asked_of(mode) == mode


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A small distribution as an installer leaves it."""
    code, info = tmp_path / "example_agent.py", tmp_path / "example_agent-1.0.dist-info"
    info.mkdir()
    code.write_text("agent = 1\n")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: example-agent\nVersion: 1.0\n")
    (info / "INSTALLER").write_text("an installer\n")

    def line(path: Path) -> str:
        digest = base64.urlsafe_b64encode(hashlib.sha256(path.read_bytes()).digest())
        return f"{path.relative_to(tmp_path)},sha256={digest.rstrip(b'=').decode()},1"

    def record(*extra: str) -> None:
        lines = [line(code), line(info / "METADATA"), line(info / "INSTALLER"), *extra]
        (info / "RECORD").write_text("\n".join([*lines, f"{info.name}/RECORD,,"]) + "\n")

    record()
    monkeypatch.setattr(installed, "distribution", lambda _: PathDistribution(info))
    return lambda: wheel_digest.__wrapped__("example-agent"), code, info, record


def test_a_wheel_has_one_digest_whoever_installed_it(wheel: Any):
    digest, _, info, record = wheel
    before = digest()
    (info / "INSTALLER").write_text("another installer\n")
    record("../../bin/example,sha256=abc,1")
    assert digest() == before


def test_an_installed_file_that_was_changed_is_refused_by_name(wheel: Any):
    digest, code, _, _ = wheel
    code.write_text("agent = 2\n")
    with pytest.raises(ElicitationError, match=r"example_agent\.py is not as its wheel had it"):
        digest()
    code.unlink()
    with pytest.raises(ElicitationError, match=r"example_agent\.py is not as its wheel had it"):
        digest()


def test_what_was_not_installed_from_a_wheel_is_refused(wheel: Any):
    digest, _, info, _ = wheel
    (info / "RECORD").unlink()
    with pytest.raises(ElicitationError, match="lists no files; install it from a wheel"):
        digest()


def test_what_is_not_installed_is_said():
    with pytest.raises(ElicitationError, match="no-such-agents is not installed"):
        wheel_digest("no-such-agents")
