"""The contract as people read it: a numbered paragraph a page, said in one of several ways."""

from touchstone.evaluation.families.claims.planting import ClaimPlan, Part
from touchstone.evaluation.families.draws import Draws

_HEAD = """\
{title}

Five characters are special in a query: {specials}. A {escape} before one of them makes it plain;
{wild} is the wildcard. A code is {mark} and a digit: {codes}.

A request has a page and a value. A page prepares the value step by step, each step from what the
one before has left, and builds its query; or it refuses the request, and there is none. What a page
took from another may be nothing: an empty text. Of a refused request nothing was made.

"""
_SAID: dict[str, dict[bool, tuple[str, ...]]] = {
    "cut": {
        True: ("keeps its first {size} characters", "cuts it after {size} characters"),
        False: (
            "keeps its last {size} characters",
            "cuts away all but {size} characters at its end",
        ),
    },
    "trim": {
        True: ("takes every `{char}` off its beginning", "strips `{char}` from the left"),
        False: ("takes every `{char}` off its end", "strips `{char}` from the right"),
    },
    "case": {
        True: ("makes all its letters small", "turns it into lower case"),
        False: ("makes all its letters capitals", "turns it into upper case"),
    },
    "wrap": {
        True: ("puts a `{char}` before it", "begins it with one more `{char}`"),
        False: ("puts a `{char}` behind it", "ends it with one more `{char}`"),
    },
    "swap": {
        True: ("turns each `{char}` into `{other}`", "writes `{other}` for every `{char}`"),
        False: ("turns each `{other}` into `{char}`", "writes `{char}` for every `{other}`"),
    },
    "drop": {
        True: ("leaves out every `{char}`", "drops each `{char}`, wherever it stands"),
        False: ("leaves out the first `{char}`", "drops one `{char}`, the first that it meets"),
    },
    "bar": {
        True: ("refuses it if there is a `{char}` anywhere", "refuses it if it holds `{char}`"),
        False: ("refuses it if it begins with `{char}`", "refuses it if `{char}` comes first"),
    },
    "decode": {
        True: ("decodes its codes, and those that this gives once more", "decodes it twice over"),
        False: ("decodes its codes once", "decodes it one time"),
    },
    "guard": {
        True: (
            "puts the sign that makes plain before every special character",
            "makes all special characters plain",
        ),
        False: (
            "puts the sign that makes plain before every special character but the wildcard",
            "makes all special characters plain, save the wildcard",
        ),
    },
}
_TAKEN = {
    True: ("takes what was last given to /{of}", "takes the value that /{of} was last asked with"),
    False: ("takes what /{of} last made of its own", "takes the value as /{of} last prepared it"),
}


def contract_text(plan: ClaimPlan, draw: Draws) -> str:
    """CONTRACT.txt."""
    facts = plan.facts
    head = _HEAD.format(
        title=plan.title,
        specials=" ".join(f"`{each}`" for each in facts["specials"]),
        escape=f"`{facts['escape']}`",
        wild=f"`{facts['specials'][0]}`",
        mark=f"`{facts['mark']}`",
        codes=", ".join(f"{at} for `{each}`" for at, each in enumerate(facts["specials"])),
    )
    lines = [f"{n}. /{part['page']} {_said(part, draw)}" for n, part in enumerate(plan.parts, 1)]
    return head + "\n".join(lines) + "\n"


def _said(part: Part, draw: Draws) -> str:
    taken = draw.pick(_TAKEN[part["given"]]).format(of=part["of"]) if part["of"] else ""
    steps = [taken or draw.pick(("takes the value", "begins with the value"))]
    for step in part["steps"]:
        [value] = [each for each in step.values() if isinstance(each, bool)]
        steps.append(draw.pick(_SAID[step["do"]][value]).format(**step))
    query = draw.pick(("its query is", "it asks for"))
    return f"{steps[0]}; {'; '.join(steps[1:])}; {query} `{part['query']}` and what is left."
