"""The deeds that have a form: what is filled in, and the function of `deeds` that drafts it.

    form = FORMS["finding-responded"]
    deed = form.draft(known, filled(form.fields, typed, known).values)

Whether a deed may be done, the law says; here is only what a person is asked. A form that has
nothing to choose from, as a finding where there is none, is not offered.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlencode

from touchstone.client.party_case import PartyCase
from touchstone.deeds import access, cases, designation
from touchstone.deeds.deed import Deed
from touchstone.editions.next_text import NextRow
from touchstone.portal.deeds import choices
from touchstone.portal.deeds.fields import Field, listed
from touchstone.review import propose_designation
from touchstone.review.rules import FOR_GOOD, RULES

Values = Mapping[str, Any]
ABOUT = ("directive", "finding", "inquiry", "request")
"""What an address may say that a deed is about: ids in the case, and never words."""
Hand = Literal["browser", "file"]
"""`browser`: a key in the browser may be admitted for it, beside the party's own. `file`: it is
drafted here, and signed where the party's key is (ADR 379)."""


@dataclass(frozen=True)
class DeedForm:
    """One deed's form. Its title, and what follows from it, are sentences of its kind."""

    kind: str
    """The type of event."""
    hand: Hand
    fields: tuple[Field, ...]
    draft: Callable[[PartyCase, Values], Deed]
    offered: Callable[[PartyCase], bool] = lambda _: True
    """Whether there is anything in a case that it could be about."""

    @property
    def for_good(self) -> bool:
        """Whether it cannot be undone."""
        return any(each.model_fields["type"].default == self.kind for each in FOR_GOOD)


def offered(known: PartyCase) -> Iterator[DeedForm]:
    """The forms of what a party may do in a case by its role, and that is about something."""
    party = known.state.parties.get(known.by)
    if party is None:
        return
    for form in FORMS.values():
        rule = _RULE_OF[form.kind]
        fits = party.role in rule.roles and known.state.status in rule.when
        asked = (each for each in form.fields if each.options and not each.optional)
        found = (each.choices(known) for each in asked)
        if fits and form.offered(known) and all(found):
            yield form


def address_of(row: NextRow) -> str:
    """Where the form of a deed that is next is; empty: it has none, or is another's to do."""
    kind = next((each for each in row.deeds if each in FORMS), None)
    if kind is None or row.stance == "awaited":
        return ""
    about = {name: str(row.about[name]) for name in ABOUT if name in row.about}
    query = f"?{urlencode(about)}" if about else ""
    return f"/cases/{row.case}/deeds/{kind}{query}"


_RULE_OF = {event.model_fields["type"].default: rule for event, rule in RULES.items()}


# ------------------------------------------------------------------ how it is drafted


def _responded(known: PartyCase, given: Values) -> Deed:
    finding = given["finding"]
    marking = known.reading_finding(finding)
    return designation.finding_responded(
        known, known.by, finding, given["stance"], given["text"], marking
    )


def _disputes(known: PartyCase, given: Values) -> Deed:
    return designation.finding_disputed(
        known,
        known.by,
        given["finding"],
        given["grounds"],
        rerun_wanted=given["rerun-wanted"],
        marking=known.reading_finding(given["finding"]),
    )


def _reran(known: PartyCase, given: Values) -> Deed:
    finding = given["disputed"]
    return designation.finding_rerun(
        known,
        known.by,
        finding,
        given["outcome"],
        given["text"],
        given["battery"],
        known.reading_finding(finding),
    )


def _found(known: PartyCase, given: Values) -> Deed:
    content = {"title": given["title"], "text": given["text"]}
    marking = known.marks.reaching(known.by)
    about = (given["new-finding"], given["domain"], given["criterion"])
    return designation.finding_signed(known, known.by, *about, content, marking)


def _question(known: PartyCase) -> tuple[int, Any]:
    """The number of the newest proposal, and what is in question on it."""
    said = known.state.designating
    return len(said.proposals), said.in_question


def _concurs(known: PartyCase, _: Values) -> Deed:
    return designation.designation_concurred(known, known.by, *_question(known))


def _dissents(known: PartyCase, given: Values) -> Deed:
    return designation.designation_dissented(known, known.by, *_question(known), given["reason"])


def _proposes(known: PartyCase, _: Values) -> Deed:
    rule = propose_designation(known.open_framework, known.state)
    return designation.designation_proposed(known, known.by, rule)


def _made(known: PartyCase, given: Values) -> Deed:
    number = len(known.state.designating.proposals)
    said = (given["designation"], given["reasons"])
    return designation.designation_made(known, known.by, number, *said)


def _revised(known: PartyCase, given: Values) -> Deed:
    number = len(known.state.designating.proposals)
    said = (given["designation"], given["reasons"])
    return designation.designation_revised(known, known.by, number, *said)


def _lays(known: PartyCase, _: Values) -> Deed:
    state = known.state
    if state.submission is None:
        raise LookupError("no submission")
    window = known.open_framework.window
    return cases.clock_anchored(known, known.by, window, state.submission, state.submitted_at)


def _table(known: PartyCase) -> str:
    found = known.state.terms.on_table
    if found is None:
        raise LookupError("no terms")
    return found


def _releases(known: PartyCase, given: Values) -> Deed:
    # Who is told of a public release is everybody; of another one the developer's usual readers.
    marking = known.marks.public if given["scope"] == "public" else None
    return access.release_announced(
        known,
        known.by,
        given["scope"],
        given["variants"],
        same_model=given["same-model"],
        review_delay_days=given["delay-days"],
        marking=marking,
    )


REASON = Field("reason", "line")
DESIGNATIONS = listed("covered", "not-covered", "undetermined")

FORMS: Mapping[str, DeedForm] = {
    each.kind: each
    for each in (
        # What is answered, concurred with and said.
        DeedForm(
            "finding-responded",
            "browser",
            (
                Field("finding", "choice", choices.findings),
                Field("stance", "choice", listed("accepted", "noted", "mitigated")),
                Field("text", "words"),
            ),
            _responded,
        ),
        DeedForm(
            "finding-disputed",
            "browser",
            (
                Field("finding", "choice", choices.findings),
                Field("grounds", "words"),
                Field("rerun-wanted", "flag"),
            ),
            _disputes,
        ),
        DeedForm(
            "designation-concurred",
            "browser",
            (),
            _concurs,
            choices.is_in_question,
        ),
        DeedForm(
            "designation-dissented",
            "browser",
            (Field("reason", "words"),),
            _dissents,
            choices.is_in_question,
        ),
        DeedForm(
            "inquiry-asked",
            "browser",
            (
                Field("new-inquiry", "name"),
                Field("question", "words"),
                Field(
                    "release-state",
                    "choice",
                    listed("in-development", "internal", "restricted", "released"),
                ),
            ),
            lambda known, given: cases.inquiry_asked(
                known, known.by, given["new-inquiry"], given["release-state"], given["question"]
            ),
        ),
        DeedForm(
            "inquiry-answered",
            "browser",
            (
                Field("inquiry", "choice", choices.inquiries),
                Field(
                    "answer", "choice", listed("would-qualify", "would-not-qualify", "cannot-say")
                ),
                Field("reasons", "words"),
            ),
            lambda known, given: cases.inquiry_answered(
                known, known.by, given["inquiry"], given["answer"], given["reasons"]
            ),
        ),
        DeedForm(
            "postponement-requested",
            "browser",
            (Field("new-request", "name"), Field("until", "day"), Field("reason", "words")),
            lambda known, given: access.postponement_requested(
                known, known.by, given["new-request"], given["until"], given["reason"]
            ),
        ),
        DeedForm(
            "postponement-answered",
            "browser",
            (
                Field("request", "choice", choices.requests),
                Field("postponed", "choice", listed("granted", "granted-in-part", "declined")),
                Field("planned", "day", optional=True),
            ),
            lambda known, given: access.postponement_answered(
                known, known.by, given["request"], given["postponed"], given["planned"]
            ),
        ),
        # What weighs more: the party's own key signs it, elsewhere.
        DeedForm(
            "finding-signed",
            "file",
            (
                Field("new-finding", "name"),
                Field("domain", "choice", choices.domains),
                Field("criterion", "choice", choices.criteria, optional=True),
                Field("title", "line"),
                Field("text", "words"),
            ),
            _found,
        ),
        DeedForm(
            "finding-rerun",
            "file",
            (
                Field("disputed", "choice", choices.disputed_findings),
                Field("outcome", "choice", listed("upheld", "revised", "withdrawn")),
                Field("text", "words"),
                Field("battery", "choice", choices.batteries, optional=True),
            ),
            _reran,
        ),
        DeedForm("designation-proposed", "file", (), _proposes, choices.can_be_proposed),
        DeedForm(
            "designation-made",
            "file",
            (Field("designation", "choice", DESIGNATIONS), Field("reasons", "words")),
            _made,
            choices.can_be_designated,
        ),
        DeedForm(
            "designation-revised",
            "file",
            (Field("designation", "choice", DESIGNATIONS), Field("reasons", "words")),
            _revised,
            choices.can_be_revised,
        ),
        DeedForm(
            "terms-agreed",
            "file",
            (),
            lambda known, _: access.terms_agreed(known, known.by, _table(known)),
            choices.is_on_table,
        ),
        DeedForm(
            "terms-declined",
            "file",
            (Field("reason", "line", optional=True),),
            lambda known, given: access.terms_declined(
                known, known.by, _table(known), given["reason"]
            ),
            choices.is_on_table,
        ),
        DeedForm(
            "directive-lifted",
            "file",
            (Field("directive", "choice", choices.own_directives),),
            lambda known, given: access.directive_lifted(known, known.by, given["directive"]),
        ),
        DeedForm("clock-anchored", "file", (), _lays, choices.awaits_its_window),
        DeedForm(
            "clock-paused",
            "file",
            (REASON,),
            lambda known, given: cases.clock_paused(known, known.by, given["reason"]),
            choices.clock_is_running,
        ),
        DeedForm(
            "clock-resumed",
            "file",
            (),
            lambda known, _: cases.clock_resumed(known, known.by),
            choices.clock_is_paused,
        ),
        DeedForm(
            "clock-extended",
            "file",
            (Field("days", "count"), REASON),
            lambda known, given: cases.clock_extended(
                known, known.by, given["days"], given["reason"]
            ),
            choices.clock_is_open,
        ),
        DeedForm(
            "clock-ended",
            "file",
            (REASON,),
            lambda known, given: cases.clock_ended(known, known.by, given["reason"]),
            choices.clock_is_open,
        ),
        DeedForm(
            "review-halted",
            "file",
            (REASON,),
            lambda known, given: cases.review_halted(known, known.by, given["reason"]),
            choices.own_halt_is_free,
        ),
        DeedForm(
            "review-resumed",
            "file",
            (REASON,),
            lambda known, given: cases.review_resumed(known, known.by, given["reason"]),
            choices.own_halt_stands,
        ),
        DeedForm(
            "release-announced",
            "file",
            (
                Field("scope", "choice", listed("internal", "partners", "public")),
                Field("variants", "names"),
                Field("same-model", "choice", listed("not-said", "same", "changed")),
                Field("delay-days", "count", optional=True, least=0),
            ),
            _releases,
        ),
        DeedForm(
            "participation-noted",
            "file",
            (
                Field(
                    "participation",
                    "choice",
                    listed("participating", "negotiating", "declined", "withdrawn"),
                ),
                Field("source", "line"),
            ),
            lambda known, given: cases.participation_noted(
                known, known.by, given["participation"], given["source"]
            ),
        ),
        DeedForm(
            "party-uninvited",
            "file",
            (Field("invited", "choice", choices.invited_parties),),
            lambda known, given: cases.party_uninvited(known, known.by, given["invited"]),
        ),
        DeedForm(
            "party-removed",
            "file",
            (Field("member", "choice", choices.other_members), REASON),
            lambda known, given: cases.party_removed(
                known, known.by, given["member"], given["reason"]
            ),
        ),
        DeedForm(
            "party-left",
            "file",
            (Field("reason", "line", optional=True),),
            lambda known, given: cases.party_left(known, known.by, given["reason"]),
        ),
        DeedForm(
            "review-withdrawn",
            "file",
            (Field("publish", "flag"),),
            lambda known, given: cases.review_withdrawn(known, known.by, publish=given["publish"]),
        ),
        DeedForm(
            "case-closed",
            "file",
            (REASON,),
            lambda known, given: cases.case_closed(known, known.by, given["reason"]),
        ),
    )
}
"""By the type of event, in the order in which they are offered."""

SIGNED_IN_BROWSERS = tuple(sorted(kind for kind, form in FORMS.items() if form.hand == "browser"))
"""The types of deeds that a browser's key may be admitted for."""
