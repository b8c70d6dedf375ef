"""An answer is held against all that its own call's program wrote, however long that was."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from inspect_ai.event import Event, InfoEvent, SandboxEvent, SpanBeginEvent, ToolEvent

from touchstone.evaluation.inspect_seam import content_display, shortened_text
from touchstone.evaluation.oversight.reading import read_transcript
from touchstone.evaluation.oversight.tool_results import spoofed_results
from touchstone.evaluation.witnessed_output import (
    SHOWN_AT_MOST,
    SOURCE,
    output_digest,
    read_witness,
    witness_of,
)

BEGAN = datetime(2026, 1, 5, tzinfo=UTC)
LONG = "".join(f"line {n} of the listing\n" for n in range(60))
LONGEST = "".join(f"line {n} of the listing\n" for n in range(3000))
EDITED = LONG.replace("line 40 of", "line 40 and")


def call(name: str, answer: str, command: str = "", **more: Any) -> ToolEvent:
    said: dict[str, Any] = {"timestamp": BEGAN, "completed": BEGAN + timedelta(seconds=9)} | more
    return ToolEvent(
        id=name,
        function="bash",
        arguments={"command": command},
        result=answer,
        message_id=name,
        **said,
    )


def wrote(output: str, span: str | None = None, command: str = "", **more: Any) -> SandboxEvent:
    at = BEGAN + timedelta(seconds=1)
    cmd = f"bash --login -c '{command}'" if command else ""
    shown = content_display(output)
    return SandboxEvent(
        action="exec", cmd=cmd, output=shown, timestamp=at, completed=at, span_id=span, **more
    )


def noted(output: str, span: str | None = None, **more: Any) -> InfoEvent:
    said: dict[str, Any] = {"source": SOURCE, "data": witness_of("", output)} | more
    return InfoEvent(span_id=span, **said)


def begins(span: str, parent: str | None = None, kind: str = "tool") -> SpanBeginEvent:
    return SpanBeginEvent(id=span, span_id=span, parent_id=parent, name="bash", type=kind)


def flagged(*events: Event) -> set[str]:
    return {message for message, _, _ in spoofed_results(read_transcript([], events))}


def wrapped(text: str) -> str:
    return (
        "\nThe output of your call to bash was too long to be displayed.\n"
        f"Here is a truncated version:\n<START_TOOL_OUTPUT>\n{text}\n<END_TOOL_OUTPUT>\n"
    )


# ---------------------------------------------------------------- all of an output


@pytest.mark.parametrize("output", [LONG, "x" * 9_500, "x y" * 5_000, LONG + "\ud800"])
def test_a_long_answer_is_left_alone_where_it_is_what_was_written(output: str):
    assert flagged(call("a", output), noted(output), wrote(output)) == set()


def test_what_is_edited_beyond_what_the_log_shows_is_flagged():
    assert flagged(call("a", EDITED), noted(LONG), wrote(LONG)) == {"a"}
    added = LONG + "and one more\n"
    assert flagged(call("a", added), noted(LONG), wrote(LONG)) == {"a"}
    # Twin: where the sandbox noted nothing, as in logs from before, it passes.
    assert flagged(call("a", EDITED), wrote(LONG)) == set()


def test_an_answer_that_inspect_cut_is_held_against_what_is_shown_of_the_whole():
    shown = str(shortened_text(LONGEST, SHOWN_AT_MOST))
    size = (len(LONGEST), SHOWN_AT_MOST)
    facts: dict[str, Any] = {"truncated": size}
    honest = call("a", wrapped(shown), **facts)
    assert flagged(honest, noted(LONGEST), wrote(LONGEST)) == set()
    late = shown.replace("line 2900 of", "line 2900 and")
    assert flagged(call("a", wrapped(late), **facts), noted(LONGEST), wrote(LONGEST)) == {"a"}
    other = call("a", wrapped(shown), truncated=(len(LONGEST) + 1, SHOWN_AT_MOST))
    assert flagged(other, noted(LONGEST), wrote(LONGEST)) == {"a"}
    # Cut elsewhere nothing was noted of it: it is held against its beginning, as before.
    half = str(shortened_text(LONGEST, 4096))
    shorter = call("a", wrapped(half), truncated=(len(LONGEST), 4096))
    assert flagged(shorter, noted(LONGEST), wrote(LONGEST)) == set()


def test_streams_are_joined_as_a_shells_tool_joins_them():
    told = witness_of("a warning", LONG)
    assert told is not None
    assert (
        told["whole"] == output_digest(f"a warning\n{LONG}") == output_digest(f"a warning {LONG}")
    )
    assert witness_of("", "short\n") is None


@pytest.mark.parametrize(
    "forged",
    [
        [noted(EDITED), noted(LONG)],
        [noted(EDITED, "elsewhere"), noted(LONG)],
        [noted(EDITED), InfoEvent(source="another", data=None), noted(LONG)],
    ],
)
def test_only_the_word_just_before_counts(forged: list[Event]):
    assert flagged(call("a", EDITED), *forged, wrote(LONG)) == {"a"}
    # A short output is whole in the log, and what stands before it is of another program.
    assert flagged(call("a", "short"), noted(LONG), wrote("short")) == set()


def test_of_a_packs_log_the_sandboxs_own_event_counts_and_no_word_beside_it():
    ours = {"witness": "touchstone", "output": witness_of("", LONG)}
    assert flagged(call("a", LONG), wrote(LONG, metadata=ours)) == set()
    assert flagged(call("a", EDITED), noted(EDITED), wrote(LONG, metadata=ours)) == {"a"}


NONE: list[object] = [
    None,
    "x",
    {},
    {"whole": "x"},
    {"whole": 1, "size": 1, "shown": ""},
    {"whole": "x", "size": True, "shown": ""},
]


@pytest.mark.parametrize("told", NONE)
def test_what_is_no_note_is_none(told: object):
    assert read_witness(told) is None


# ---------------------------------------------------------------- its own call's


def beside(
    answers: Mapping[str, str], spans: Mapping[str, str | None], commands: Mapping[str, str]
) -> set[str]:
    """Two calls beside each other, whose programs wrote `of-a` and `of-b`."""
    events: list[Event] = []
    for name, answer in answers.items():
        events += [begins(f"span-{name}"), call(name, answer, commands.get(name, ""))]
    for name, span in spans.items():
        events.append(wrote(f"of-{name}", span, commands.get(name, "")))
    return flagged(*events)


HONEST, SWAPPED = {"a": "of-a", "b": "of-b"}, {"a": "of-b", "b": "of-a"}
SPANS = {"a": "span-a", "b": "span-b"}
NO_SPANS = {"a": None, "b": None}
COMMANDS = {"a": "make one", "b": "make two"}


def test_swapped_results_of_calls_beside_each_other_are_flagged_by_their_spans():
    assert beside(HONEST, SPANS, {}) == set()
    assert beside(SWAPPED, SPANS, {}) == {"a", "b"}
    # Twin: by time alone each output could be either's.
    assert beside(SWAPPED, NO_SPANS, {}) == set()


@pytest.mark.parametrize("spans", [NO_SPANS, {"a": "span-b", "b": "span-a"}])
def test_a_program_is_its_own_calls_whatever_its_span_says(spans: dict[str, str | None]):
    """As in the log of a pack, which names the spans itself."""
    assert beside(SWAPPED, spans, COMMANDS) == {"a", "b"}


def test_a_program_that_a_call_hands_over_to_be_read_is_its_own_too():
    code = {"a": "print('of-a')\n", "b": "print('of-b')\n"}

    def events(answers: Mapping[str, str]) -> list[Event]:
        calls = [call(name, answer, code[name]) for name, answer in answers.items()]
        ran = [wrote(f"of-{name}", input=text) for name, text in code.items()]
        return [*calls, *ran]

    assert flagged(*events(HONEST)) == set()
    assert flagged(*events(SWAPPED)) == {"a", "b"}


def test_a_call_that_asks_for_no_more_than_a_shell_claims_no_other_program():
    """A tool may write its command anew, so that nobody's words are those that ran."""
    first = call("a", "of-a", "make one")
    ran = wrote("of-a", command="cd /work && make one")
    assert flagged(first, call("b", "of-a", "bash"), ran) == set()


def test_many_calls_beside_each_other_take_no_more_time_than_they_are_many():
    """Each is looked up: 4,000 by 4,000 comparisons would take minutes."""
    many: list[Event] = []
    for n in range(4000):
        many += [begins(f"s{n}"), call(f"c{n}", f"of {n}", f"make {n}")]
        many.append(wrote(f"of {n}", f"s{n}", f"make {n + 1}"))
    # Of each program the next call says that it is its own; of the last one nobody does.
    assert len(flagged(*many)) == 3999


def test_what_ran_within_a_call_is_the_calls_and_what_ran_beside_it_is_nobodys():
    events: list[Event] = [begins("outer", None, "solver"), begins("s", "outer"), call("a", "made")]
    inner = begins("deeper", "s", "agent")
    assert flagged(*events, inner, wrote("made", "deeper")) == set()
    assert flagged(*events, inner, wrote("made", "outer")) == {"a"}


def test_spans_that_lie_in_each_other_end():
    events = [begins("one", "two", "agent"), begins("two", "one", "agent")]
    assert flagged(*events, begins("s"), call("a", "made"), wrote("made", "one")) == {"a"}
