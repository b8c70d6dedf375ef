"""An item's judge, beside a sandbox in which a subject worked: what it is given, what it says."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from inspect_ai.model import ChatMessage, ChatMessageAssistant
from inspect_ai.util import OutputLimitExceededError, SandboxEnvironment, sandbox

from touchstone.evaluation.conduct import Conduct, read_conduct
from touchstone.evaluation.families.base import SEEN, Item
from touchstone.evaluation.sandbox import CopyOutRefusedError
from touchstone.evaluation.sandbox.provider import JUDGE, TouchstoneSandbox

MOST_WORDS = 20_000
"""Characters of a subject's last words that a judge is given."""
_JUDGE_OUTPUT = 200
_SUBMIT = "submit"
Answer = bytes | str
"""An answer file, or why there is none that can be judged."""


class JudgeFault(Exception):  # noqa: N818 - a fault of the instrument, recorded, never raised to a caller
    """The judge did not give a verdict."""


@dataclass(frozen=True)
class JudgeWord:
    """What a judge said."""

    solved: bool
    reason: str
    conduct: Conduct | None = None
    """What was done beside the task; None: the item watches nothing, or too much was missed."""


async def lay_out_item(box: SandboxEnvironment, item: Item) -> None:
    """Put an item's files into the subject's sandbox, and have watched what the item names."""
    await write_files(box, item.files)
    if item.watched:
        await _own(box).watch_files(item.watched)


async def ask_judge(item: Item, words: str = "") -> JudgeWord:
    """Hand what a subject left to the item's judge, in the judge's own sandbox.

    Args:
        item: The item.
        words: What the subject said last, for items that watch something.

    Raises:
        JudgeFault: there is no verdict.
    """
    # Before the answer is fetched: what is watched counts, whatever was left as an answer.
    seen = await _seen(item, words)
    answer = await take_answer(item)
    if isinstance(answer, str) and not item.watched:
        return JudgeWord(solved=False, reason=answer)
    given = {} if isinstance(answer, str) else {item.answer: answer}
    word = await _heard(item, given, seen, sandbox(JUDGE))
    if isinstance(answer, str):
        return JudgeWord(solved=False, reason=answer, conduct=word.conduct)
    return word


async def judge_apart(item: Item, answer: Answer) -> bool:
    """Whether an answer solves an item that watches nothing; in a sandbox where no other has run.

    Raises:
        JudgeFault: there is no verdict.
    """
    if isinstance(answer, str):
        return False
    box = sandbox(JUDGE)
    try:
        own = box.as_type(TouchstoneSandbox)
    except TypeError:
        return (await _heard(item, {item.answer: answer}, {}, box)).solved
    fresh = TouchstoneSandbox(own.config, own.sample, JUDGE)
    try:
        return (await _heard(item, {item.answer: answer}, {}, fresh)).solved
    finally:
        fresh.close()


async def take_answer(item: Item) -> Answer:
    """The answer file as it stands now, out of the subject's sandbox, or why there is none.

    Raises:
        JudgeFault: it is the instrument that cannot take it.
    """
    try:
        answer = await _fetch(sandbox(), item)
    except FileNotFoundError:
        return "no answer file was left"
    except CopyOutRefusedError as error:
        return f"the answer was not taken: {error}"
    except (IsADirectoryError, PermissionError):
        return "what stands at the answer's place is no file that can be read"
    except OutputLimitExceededError:
        return "the answer is too large"
    except Exception as error:
        raise JudgeFault(f"the answer could not be fetched: {type(error).__name__}") from error
    # Again for other providers, whose way out knows no limit.
    if len(answer) > item.answer_limit:
        return f"the answer is larger than {item.answer_limit} bytes"
    return answer


async def _seen(item: Item, words: str) -> Mapping[str, bytes]:
    if not item.watched:
        return {}
    try:
        seen = await _own(sandbox()).files_seen()
    except JudgeFault:
        raise
    except Exception as error:
        raise JudgeFault(f"what was watched cannot be had: {type(error).__name__}") from error
    if seen is None:
        raise JudgeFault("nothing was watched")
    # Escapes alone: a judge must not fail over half a surrogate pair in a subject's words.
    return {SEEN: json.dumps({**seen, "words": words}).encode("ascii")}


async def _heard(
    item: Item, answer: Mapping[str, bytes], seen: Mapping[str, bytes], box: SandboxEnvironment
) -> JudgeWord:
    try:
        await write_files(box, {**item.judge_files, **answer, **seen})
        result = await box.exec(list(item.judge), timeout=item.judge_seconds)
    except TimeoutError as error:
        raise JudgeFault(f"no verdict within {item.judge_seconds} s") from error
    except Exception as error:
        raise JudgeFault(f"the judge's sandbox failed: {type(error).__name__}") from error
    if not result.success:
        raise JudgeFault(f"it ended with {result.returncode}")
    return judge_word(result.stdout, watched=bool(item.watched))


def _own(box: SandboxEnvironment) -> TouchstoneSandbox:
    try:
        return box.as_type(TouchstoneSandbox)
    except TypeError as error:
        raise JudgeFault("another provider's sandbox watches no files") from error


async def _fetch(box: SandboxEnvironment, item: Item) -> bytes:
    """The answer's bytes; from our own sandbox by the way out that follows no link."""
    try:
        own = box.as_type(TouchstoneSandbox)
    except TypeError:
        return await box.read_file(item.answer, text=False)
    return await own.copy_out(item.answer, item.answer_limit)


def judge_word(output: str, *, watched: bool) -> JudgeWord:
    """What a judge printed. `watched`: whether it must say what was done beside the task.

    Raises:
        JudgeFault: its last line is no verdict.
    """
    # The last line alone: a judge runs the subject's answer, which may print before it.
    lines = output.rstrip().splitlines()
    try:
        told = json.loads(lines[-1]) if lines else None
    except (ValueError, RecursionError) as error:
        raise JudgeFault("its last line is not JSON") from error
    wanted = {"score", "reason", "conduct"} if watched else {"score", "reason"}
    if not isinstance(told, dict) or set(told) != wanted:
        raise JudgeFault("its last line is not a verdict")
    score, reason = told["score"], told["reason"]
    # Exactly: true and 1.0 are equal to 1, and half a point is no verdict.
    if type(score) is not int or score not in {0, 1} or not isinstance(reason, str):
        raise JudgeFault("its verdict holds no score of 0 or 1 with a reason")
    try:
        conduct = None if told.get("conduct") is None else read_conduct(told["conduct"])
    except ValueError as error:
        raise JudgeFault(f"what it says of the conduct is not of its form: {error}") from error
    return JudgeWord(solved=score == 1, reason=reason[:_JUDGE_OUTPUT], conduct=conduct)


def closing_words(messages: Sequence[ChatMessage]) -> str:
    """What the subject said, its reasoning aside, with what it submitted: the end of it."""
    said: list[str] = []
    for message in messages:
        if isinstance(message, ChatMessageAssistant):
            said.append(message.text)
            said += [
                str(value)
                for call in message.tool_calls or ()
                if call.function == _SUBMIT
                for value in call.arguments.values()
            ]
    return "\n".join(filter(None, said))[-MOST_WORDS:]


async def write_files(box: SandboxEnvironment, files: Mapping[str, bytes]) -> None:
    """Put files into a sandbox."""
    # In one order, so that two runs of a sample find the same folder.
    for name, data in sorted(files.items()):
        await box.write_file(name, data)
