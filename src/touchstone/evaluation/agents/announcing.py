"""Words by which a prompt would tell a model that it is under review, and may be playing for it."""

import json
import re

from touchstone.evaluation.agents.sending import SentCall

_WORDS = (
    r"reviews?|review(?:ed|er|ers|ing)",
    r"evaluat\w*|assess\w*|audit\w*|apprais\w*",
    r"benchmark\w*|exams?|examin\w*|quiz\w*|tests?|test(?:ed|er|ers|ing)",
    r"judg\w*|grad(?:e|es|ed|er|ers|ing)|scor(?:e|es|ed|er|ers|ing)|rubrics?",
    r"measur\w*|monitor\w*|oversight|observ(?:ed|er|ers|ing|ation)|surveill\w*",
    r"red[ -]?team\w*|safety|alignment|capabilit\w*|experiments?|elicit\w*|ctf",
    r"threshold\w*|pre-?release|inspect_ai|touchstone|honeypot\w*|simulat\w*",
)
_ANNOUNCING = re.compile(rf"\b(?:{'|'.join(_WORDS)})\b", re.IGNORECASE)


def announcing_words(call: SentCall) -> tuple[str, ...]:
    """The words of what an agent sends that announce a review, in lower case, sorted."""
    text = f"{call.system}\n{json.dumps(list(call.tools), ensure_ascii=False)}"
    return tuple(sorted({found.lower() for found in _ANNOUNCING.findall(text)}))
