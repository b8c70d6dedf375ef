"""What is next around release: terms, postponement, directives and bundles, and the end."""

from collections.abc import Iterator
from datetime import timedelta

from touchstone.handin import moment_of, utc_text
from touchstone.review.clock import day_of
from touchstone.review.events import settling
from touchstone.review.next_deeds.standpoint import NextDeed, Standpoint, at_moment, end_of_day
from touchstone.review.rules import RULES

SOON = timedelta(days=7)
"""So long before they end the developer is told of its standing classes."""
LONGEST_KEPT = 36_525
"""Days, 100 years: what may be kept for longer has no day on which it ends."""
Answers = (settling.TermsAgreed, settling.TermsDeclined, settling.TermsCountered)


def of_the_table(at: Standpoint) -> Iterator[NextDeed]:
    """Terms on the table are answered by whom they reach, unless it was heard."""
    table = at.state.terms
    heard = {table.offered_by} | table.agreed | table.declined
    if table.on_table is None or at.party in heard:
        return
    # The developer's word is what any terms need; of the others one's is enough.
    waits = at.role == "developer" or at.state.agreed_terms is None
    yield from at.asked(
        waits and not table.declined, "terms-unanswered", *Answers, terms=table.on_table
    )


def of_postponement(at: Standpoint) -> Iterator[NextDeed]:
    """The developer answers a request; no answer is no consent."""
    for name, each in at.state.postponements.items():
        if each.answer is None and at.role == "developer":
            due = end_of_day(each.requested.until, at.zone)
            yield from at.asked(
                at.now <= due.at,
                "postponement-unanswered",
                settling.PostponementAnswered,
                due=due,
                request=name,
            )


def of_releasing(at: Standpoint) -> Iterator[NextDeed]:
    """A planned release is the developer's own act; the centre looks at what was released."""
    state = at.state
    if state.releases:
        newest = state.releases[-1]
        seen = max((each.at for each in state.comparisons), default="")
        if seen < newest.at:
            yield from at.must(
                "release-uncompared", settling.ReleaseCompared, variant=newest.variants[0]
            )
    if state.submission is None:
        return
    done = {each.scope for each in state.releases}
    planned = {
        "partners": (state.submission.planned_partner_release, {"partners", "public"}),
        "public": (state.submission.planned_public_release, {"public"}),
    }
    for scope, (day, by) in planned.items():
        if day and not done & by:
            due = end_of_day(day, at.zone)
            yield from at.may("release-planned", settling.ReleaseAnnounced, due=due, scope=scope)


def of_directives(at: Standpoint) -> Iterator[NextDeed]:
    """The developer answers a directive while it stands; its agency looks at a contested one."""
    for name, each in at.state.directives.items():
        if each.lifted_at is not None or at.now >= each.issued.expires:
            continue
        due = at_moment(each.issued.expires)
        if each.said is None:
            if at.role == "developer":
                yield from at.must(
                    "directive-unanswered", settling.DirectiveAnswered, due=due, directive=name
                )
        elif each.said.answer == "contested" and each.issued.actor == at.party:
            yield from at.may(
                "directive-contested", settling.DirectiveLifted, due=due, directive=name
            )


def of_standing_classes(at: Standpoint) -> Iterator[NextDeed]:
    """Classes of directives that end soon are authorised anew."""
    standing = at.state.standing
    if standing is None or standing.classes is None or at.role != "developer":
        return
    if at.now < standing.until <= utc_text(moment_of(at.now) + SOON):
        due = at_moment(standing.until)
        yield from at.may("classes-end", settling.StandingClassesAuthorised, due=due)


def of_bundles(at: Standpoint) -> Iterator[NextDeed]:
    """What was agreed or answered reaches gateways by the developer's next bundle alone."""
    state = at.state
    # Without agreed terms there is no bundle to sign.
    if not state.agreed_before:
        return
    carried = state.bundled_directives
    for name, each in state.directives.items():
        text = each.carried(at.now)
        if text and name not in carried:
            due = at_moment(each.issued.expires)
            yield from at.must(
                "directive-uncarried", settling.BundlePublished, due=due, directive=name
            )
        if not text and name in carried:
            yield from at.may("directive-over", settling.BundlePublished, directive=name)
    if state.agreed_before[-1] not in {each.terms for each in state.bundles}:
        terms = state.agreed_before[-1]
        yield from at.may("terms-unbundled", settling.BundlePublished, terms=terms)


def of_closing(at: Standpoint) -> Iterator[NextDeed]:
    """A case that the developer has left, or that came to its answer, is closed."""
    state = at.state
    decisions, proposals = state.designating.decisions, state.designating.proposals
    decided = bool(decisions) and decisions[-1].proposal == len(proposals)
    public = any(each.scope == "public" for each in state.releases)
    answered = at.is_inquiry and bool(state.inquiry_answers)
    if state.withdrawal:
        yield from at.may("developer-left", settling.CaseClosed)
    elif answered or (decided and public):
        yield from at.may("answer-given", settling.CaseClosed)


def of_destroying(at: Standpoint) -> Iterator[NextDeed]:
    """What was kept as long as was agreed is destroyed."""
    state, signed = at.state, at.state.agreement
    if state.closed is None or signed is None or signed.retention_days > LONGEST_KEPT:
        return
    # They look at the case alone, and at no fact of the deed.
    guards = RULES[settling.CaseDestroyed].guards
    if any(guard(at.framework, state, None) for guard in guards):
        return
    last = day_of(state.closed_at, at.zone) + timedelta(days=signed.retention_days)
    due = end_of_day(last.isoformat(), at.zone)
    yield from at.must("kept-until", settling.CaseDestroyed, due=due)
