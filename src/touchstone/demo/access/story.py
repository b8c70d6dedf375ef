"""Terms are agreed, partners use the model, an order comes in mid-stream, it is lifted again."""

import time
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from touchstone.demo.access import gateway
from touchstone.demo.access.callers import LAST, DemoCaller, calling
from touchstone.demo.errors import DemoError
from touchstone.keys.files import write_file
from touchstone.service.access import bundles, directives, offers
from touchstone.service.access.case_texts import CaseTexts
from touchstone.service.access.directive_status import note_and_tell
from touchstone.service.access.terms_texts import population_from
from touchstone.service.access.user_base import UserBase
from touchstone.service.bundle_folder import BundleFolder
from touchstone.service.case_context import Case
from touchstone.service.file_io import NamedText
from touchstone.verdicts.run_progress import Observer

CALLERS = {"ann": "XA", "bo": "XC", "lee": "XC"}
"""A partner's people, at home and from abroad, and one of the developer's own staff."""
ORDER = "order-1"
_FILES = ("terms.toml", "entities.toml", "order.toml", "narrowly.toml")
_FIRST_WORDS = 40
"""Characters that everyone has heard before the order is answered."""


@dataclass(frozen=True)
class Access:
    """What came of it, in lines for people."""

    lines: tuple[str, ...]


def use_under_terms(case: Case, upstream: str, env: str, out: Path, observer: Observer) -> Access:
    """Agree terms, run a gateway before `upstream`, and carry an order out while people use it.

    Args:
        case: The demo's case; terms, order, answer, receipt and lift go into its record.
        upstream: Base URL of a server that offers `control-counter` as a paced stream.
        env: The environment variable with its key.
        out: A fresh folder for the texts, the gateway's state and its bundles.
        observer: Is told what happens.

    Raises:
        DemoError: the gateway did not start, or somebody was not served as agreed.
    """
    out.mkdir()
    terms, entities, order, reading = _texts(out)
    agency = case.participants.agencies[0]
    offers.offer(case, terms, case.participants.developer, entities)
    offers.answer(case, agency, agree=True)
    crowd = UserBase(entities)
    developer = case.state.parties[case.participants.developer].key
    where = gateway.lay_out_gateway(
        out / "gateway", developer, case.submission.model.id, upstream, env, CALLERS
    )
    registry = population_from(entities, CaseTexts(case).agreed).registry
    shelf = BundleFolder(where.bundles)
    bundles.publish(case, shelf, registry)
    observer.step("Terms of early access agreed; Example Lab signed bundle 1 for its gateway")
    with gateway.demo_gateway(where):
        people = tuple(CALLERS)
        with calling(where, people) as callers:
            # Only once everybody hears something, or it would show a refusal and no cut.
            _wait_for_words(callers)
            preview = directives.preview(case, order, crowd).reach
            directives.issue(case, order, crowd, party=agency)
            observer.step(
                f"Example Agency orders: nobody from abroad ({preview.losing} of {preview.people} "
                "callers would lose access)"
            )
            directives.answer(
                case,
                ORDER,
                "narrowly",
                crowd,
                reading=reading,
                reason="Our own staff goes on working.",
                out=shelf,
            )
            receipt = where.receipt(2).receipt
        observer.step(_told(callers, receipt.milliseconds))
        directives.lift(case, ORDER, out=shelf)
        # A lifted order goes on being carried out until the developer's key says otherwise.
        bundles.publish(case, shelf)
        where.receipt(3)
        with calling(where, ("bo",)) as again:
            pass
        observer.step("The order is lifted; Bo is served again")
    standing = note_and_tell(case, crowd, [where.known()])
    _check(callers, again)
    lines = [f"  {line}" for each in standing.directives for line in each.lines()]
    fates = ", ".join(_fate(each) for each in callers)
    return Access(("An order in mid-stream:", *lines, f"  callers: {fates}"))


def _texts(out: Path) -> list[NamedText]:
    """Terms, people, an order and a reading of it, left in the folder to be looked at."""
    shipped, texts = resources.files("touchstone.demo.access"), []
    for name in _FILES:
        data = shipped.joinpath(name).read_bytes()
        write_file(out / name, [data])
        texts.append(NamedText(data.decode(), name))
    return texts


def _wait_for_words(callers: list[DemoCaller]) -> None:
    until = time.monotonic() + gateway.SECONDS
    while not all(len(each.heard) >= _FIRST_WORDS for each in callers):
        stopped = next((each for each in callers if each.ended), None)
        if stopped is not None or time.monotonic() > until:
            why = f"{stopped.person} {stopped.ended}" if stopped else "nobody was heard"
            raise DemoError(f"the gateway did not serve: {why}")
        time.sleep(0.02)


def _fate(caller: DemoCaller) -> str:
    heard = len(caller.heard.split())
    if caller.whole:
        return f"{caller.person} heard all {LAST} numbers"
    return f"{caller.person} was cut off after {heard}"


def _told(callers: list[DemoCaller], milliseconds: int) -> str:
    fates = "; ".join(_fate(each) for each in callers)
    return f"Example Lab answered narrowly; applied in {milliseconds} ms: {fates}"


def _check(callers: list[DemoCaller], again: list[DemoCaller]) -> None:
    """The demo shows what it says, or it fails."""
    served = {each.person: each.whole for each in callers}
    if served != {"ann": True, "bo": False, "lee": True} or not again[0].whole:
        found = ", ".join(f"{each.person} {each.ended}" for each in (*callers, *again))
        raise DemoError(f"the terms were not carried out as agreed: {found}")
