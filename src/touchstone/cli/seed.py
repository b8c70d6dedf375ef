"""`touchstone seed`: a battery's seed from both sides, opened and drawn again afterwards."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from touchstone.cli.hands import ANYWHERE, HERE, AtServer, CaseId, Where, act, require_whole
from touchstone.cli.output import tell
from touchstone.errors import BadInputError
from touchstone.handin.shown_ids import short_case

if TYPE_CHECKING:
    from touchstone.client.party_case import PartyCase
    from touchstone.deeds.deed import Deed
    from touchstone.evaluation.drawn_again import SetDrawnAgain
    from touchstone.review import State
    from touchstone.review.audience_view import Entry

DONE = 0
seed = App(
    name="seed", help="Commit to a battery's seed, contribute to it, reveal it, draw it again."
)
BatteryId = Annotated[str | None, Parameter(help="Its id; default: the one that is meant here.")]


@seed.command
def commit(case: CaseId, *, where: Where = HERE) -> int:
    """Commit to the centre's contribution to the seed of the next battery, by the centre's key.

    It is drawn now, and opened to nobody before the seed is revealed. Then the developer may
    contribute, until the battery is sealed: it is drawn from both.

    For example: touchstone seed commit case-1 --as example-centre
    """
    from touchstone.deeds.seeding import seed_committed

    return act(where, case, lambda known: seed_committed(known, known.state.next_battery), "centre")


@seed.command
def contribute(case: CaseId, *, where: Where = HERE) -> int:
    """Contribute to the seed of the next battery, by the developer's key.

    It is drawn now, after the centre's commitment, which the deed names. The centre alone reads it;
    no item can be told from it.

    For example: touchstone seed contribute case-1 --as example-lab
    """
    return act(where, case, _contributed, "developer")


def _contributed(known: "PartyCase") -> "Deed":
    from touchstone.deeds.seeding import seed_contributed

    _require_content(known)
    battery = known.state.next_battery
    waiting = known.state.seeds.get(battery)
    if waiting is None:
        raise BadInputError(
            f"CASE: the centre has committed to no seed of {battery} that {known.by} can see:"
            " touchstone seed commit does so"
        )
    return seed_contributed(known, known.by, battery, waiting.committed.contribution)


@seed.command
def reveal(case: CaseId, *, battery: BatteryId = None, where: Where = HERE) -> int:
    """Open the seed of a sealed battery to the developer, by the centre's key.

    Whoever reads it can make every item again, also those that did not run: nothing more of the
    battery is recorded then. It cannot be taken back: name the case by its whole id.

    For example: touchstone seed reveal case-1 --as example-centre

    Args:
        battery: Default: the newest.
    """

    def drafted(known: "PartyCase") -> "Deed":
        from touchstone.deeds.seeding import seed_revealed

        _require_content(known)
        require_whole(case, known.id)
        name = _sealed(known.state, battery)
        entry = _entry(known, "battery-sealed", name)
        secret = entry.content("secret") if entry else None
        if not secret:
            raise BadInputError(f"CASE: the seed of {name} is not open to {known.by}: the centre's")
        return seed_revealed(known, known.by, name, secret)

    return act(where, case, drafted, "centre")


@seed.command
def show(case: CaseId, *, where: AtServer = ANYWHERE) -> int:
    """Show whose each battery's seed is, and whether it is open.

    For example: touchstone seed show case-1
    """
    with where.hand as hand:
        known = hand.look(case)
    tell(_Shown(known.id, tuple(_rows(known.state))), json=where.json)
    return DONE


@seed.command
def check(case: CaseId, *, battery: BatteryId = None, where: AtServer = ANYWHERE) -> int:
    """Draw a battery again from its revealed seed, and hold it against what was sealed.

    For who may read the seed, on its own machine and with its own programs: the contributions
    against what was committed to, the seed against both, order and items against their seal, and
    what ran against its place in it. A set of a private pack that is not here is held by its order.
    Exit 1: something differs.

    For example: touchstone seed check case-1 --as example-lab

    Args:
        battery: Default: the newest.
    """
    from touchstone.editions.sections.seeds import whose_seed

    with where.hand as hand:
        known = hand.look(case)
        _require_content(known)
        name = _sealed(known.state, battery)
        found = _drawn_again(known, name)
        ran = _ran(known, name)
    origin = known.state.batteries[name].origin
    tell(_Checked(known.id, name, whose_seed(origin), found, ran), json=where.json)
    return DONE


def _require_content(known: "PartyCase") -> None:
    """Refuse what rests on contents that went with the case, or on what a newer version wrote."""
    from touchstone.review import require_known
    from touchstone.service.case_context import destroyed_error

    require_known(known.state)
    if known.state.status == "destroyed":
        raise destroyed_error(known.id, known.state)


def _drawn_again(known: "PartyCase", name: str) -> "tuple[SetDrawnAgain, ...]":
    from touchstone.evaluation.drawn_again import draw_again
    from touchstone.service.configuration import families_of
    from touchstone.service.homes import home_folder
    from touchstone.verdicts.content_parsers import plan_of, registered_of

    entry, opened = _entry(known, "battery-sealed", name), _entry(known, "seed-revealed", name)
    secret = opened.content("secret") if opened else None
    registered = entry.parsed("registered", registered_of) if entry else None
    if not secret or registered is None:
        raise BadInputError(
            f"CASE: the seed of {name} is not open to {known.by}: the centre reveals it by"
            " touchstone seed reveal"
        )
    _check_origin(known.state, name, secret)
    families = families_of(home_folder())
    drawn = bytes.fromhex(secret["seed"])
    return draw_again(registered.battery, plan_of(secret), families, drawn, families.code)


def _ran(known: "PartyCase", name: str) -> dict[str, int]:
    """How many places of each criterion's items ran, once each was held against its seal."""
    from touchstone.evaluation.drawn_again import check_ran
    from touchstone.verdicts.content_parsers import registered_of

    entry = _entry(known, "battery-sealed", name)
    registered = entry.parsed("registered", registered_of) if entry else None
    told: dict[str, list[tuple[int, str]]] = {}
    for each in known.entries_of("outcomes-recorded"):
        facts = each.event.facts()
        if facts["battery"] == name:
            of = told.setdefault(facts["criterion"], [])
            of += [(outcome["index"], outcome["item"]) for outcome in facts["outcomes"]]
    if registered is None:
        return {}
    return {of: check_ran(registered.battery, of, ran) for of, ran in told.items()}


def _check_origin(state: "State", name: str, secret: dict[str, Any]) -> None:
    """Hold the seed against the contributions, and these against what was committed to.

    The law did so when it was recorded, on the server: here the party does it for itself.
    """
    from touchstone.deeds.seeding import origin_of, seed_from
    from touchstone.evaluation.errors import RevealError

    given = secret.get("contributions") or {}
    committed, sealed = state.seeds.get(name), state.batteries[name].origin
    if {origin_of(given), sealed} != {committed and committed.origin}:
        raise RevealError(f"another contribution to the seed of {name} than was committed to")
    if given and seed_from(name, given).hex() != secret["seed"]:
        raise RevealError(f"another seed of {name} than follows from what was contributed")


def _entry(known: "PartyCase", kind: str, battery: str) -> "Entry | None":
    found = [e for e in known.entries_of(kind) if e.event.facts()["battery"] == battery]
    return found[-1] if found else None


def _sealed(state: "State", battery: str | None) -> str:
    name = state.newest_battery if battery is None else battery
    if name is None or name not in state.batteries:
        have = ", ".join(state.batteries) or "none"
        wanted = "" if name is None else f" {name[:80]!a}"
        raise BadInputError(f"--battery: no battery{wanted} is sealed; sealed: {have}")
    return name


def _rows(state: "State") -> Iterator[dict[str, Any]]:
    from touchstone.editions.sections.seeds import seed_said

    for name in dict.fromkeys((*state.batteries, *state.seeds)):
        sealed, committed = state.batteries.get(name), state.seeds.get(name)
        origin = committed.origin if committed else None
        yield {
            "battery": name,
            "sealed": sealed is not None,
            "origin": None if origin is None else origin.model_dump(),
            "revealed": name in state.seeds_revealed,
            "said": seed_said(state, name) if sealed else _waiting(origin),
        }


def _waiting(origin: Any) -> str:
    if origin.developer is None:
        return "the centre has committed; the developer may contribute until it is sealed"
    return "both have contributed; it is to be sealed"


@dataclass(frozen=True)
class _Shown:
    case: str
    seeds: tuple[dict[str, Any], ...]

    def lines(self) -> Iterator[str]:
        if not self.seeds:
            yield f"No seed of case {short_case(self.case)} is committed to, and none is sealed."
        for each in self.seeds:
            yield f"{each['battery']}: {each['said']}"

    def as_dict(self) -> dict[str, Any]:
        return {"case": self.case, "seeds": list(self.seeds)}


@dataclass(frozen=True)
class _Checked:
    case: str
    battery: str
    said: str
    sets: "tuple[SetDrawnAgain, ...]"
    ran: dict[str, int]

    def lines(self) -> Iterator[str]:
        yield f"{self.battery} of case {short_case(self.case)}: {self.said}"
        yield from map(str, self.sets)
        for criterion, places in self.ran.items():
            yield f"{criterion}: {places} of its items ran, each the one that was sealed there"

    def as_dict(self) -> dict[str, Any]:
        return {
            "case": self.case,
            "battery": self.battery,
            "seed": self.said,
            "ran": self.ran,
            "sets": [
                {"id": each.item_set, "items": each.items, "lacking": each.lacking}
                for each in self.sets
            ],
        }
