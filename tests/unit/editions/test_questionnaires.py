"""Questions as data, and answers from a file, by who may read them."""

import tomllib

import pytest

from touchstone.cli.questionnaire import blank_answers
from touchstone.editions.questionnaires import (
    PARTS,
    read_answers,
    shipped_questionnaire,
    shipped_questionnaires,
)
from touchstone.errors import BadInputError

HEAD = 'questionnaire = "loss-of-control"\nversion = "1"\n'


def test_the_shipped_questions_are_of_every_part_and_few_enough_to_answer():
    assert shipped_questionnaires() == ("loss-of-control",)
    asked = shipped_questionnaire("loss-of-control")
    assert 12 <= len(asked.questions) <= 20
    assert {each.part for each in asked.questions} == set(PARTS)
    # Answers are bound to the words: who changes one raises the version, and renews this.
    assert (asked.version, asked.digest) == (
        "1",
        "sha256:14e03795a1fb620658a32703dfdb23c0de219f185c84750c8fda36acf8ce61bd",
    )


def test_a_blank_file_names_every_question_and_answers_none():
    asked = shipped_questionnaire("loss-of-control")
    blank = blank_answers(asked)
    assert all(f"[answers.{each.id}]" in blank and each.text in blank for each in asked.questions)
    with pytest.raises(BadInputError, match="answers"):
        read_answers(blank.encode(), "answers.toml")
    filled = blank.replace("# [answers.incidents]\n# text", "[answers.incidents]\ntext").replace(
        '# """', '"""'
    )
    # As a person fills it in: the lines of one question without their marks.
    at = filled.index("[answers.incidents]")
    only = HEAD + filled[at : filled.index("\n\n", at)].replace('"""\n"""', '"None."')
    assert tomllib.loads(only)["answers"]["incidents"]["text"] == "None."


def test_answers_go_by_who_may_read_them_in_the_questionnaires_order():
    text = HEAD + (
        '[answers.incidents]\ntext = "None."\nreaders = ["example-agency"]\n'
        '[answers.internal-uses]\ntext = "Code."\n'
        '[answers.weights-protected]\ntext = "Two keys."\nreaders = []\n'
        '[answers.monitor-power]\ntext = "Red team."\n'
    )
    asked, groups = read_answers(text.encode(), "answers.toml")
    told = {group.readers: [name for name, _, _ in group.answers] for group in groups}
    assert told == {
        None: ["internal-uses", "monitor-power"],
        (): ["weights-protected"],
        ("example-agency",): ["incidents"],
    }
    (first, *_) = groups
    assert first.answers[0][1] == asked.by_id["internal-uses"].text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEAD, "answers: Field required"),
        (HEAD + "[answers]\n", "holds no answer"),
        (HEAD + '[answers.no-such]\ntext = "x"\n', "asks no such question"),
        (HEAD + '[answers.incidents]\ntext = ""\n', r"answers\.incidents\.text"),
        (HEAD + '[answers.incidents]\ntext = "x"\nby = "y"\n', "by"),
        (HEAD + '[answers.incidents]\ntext = "a\u202eb"\n', "unseen"),
        (
            HEAD.replace('"1"', '"0"') + '[answers.incidents]\ntext = "x"\n',
            "not the one that is asked",
        ),
        (
            HEAD.replace("loss-of-control", "other") + '[answers.a]\ntext = "x"\n',
            "no questionnaire",
        ),
        ("questionnaire = \n", "answers.toml"),
    ],
)
def test_what_is_no_file_of_answers_is_refused_in_one_line(text: str, said: str):
    with pytest.raises(BadInputError, match=said) as refused:
        read_answers(text.encode(), "answers.toml")
    assert "\n" not in str(refused.value)
