"""Terms, directives, bundles and receipts in one of the two worlds."""

from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

from support.june import Gateway
from support.worlds import World
from touchstone.service.access import bundles, directives, gateways, offers
from touchstone.service.access.case_texts import CaseTexts
from touchstone.service.access.gateways import hear
from touchstone.service.access.user_base import UserBase, registry_of
from touchstone.service.bundle_folder import BundleFolder
from touchstone.service.case_context import Case
from touchstone.service.file_io import NamedText, read_named
from touchstone.service.receipt_folder import parse_gateway
from touchstone.terms import Pin

ENTITIES = """\
format = "touchstone/entities/1"
developer = "example-lab"

[[organisations]]
id = "example-lab"
tier = "named-list"
programmes = []
end_user = "civil"
members = ["p000001", "p000002"]

[[organisations]]
id = "example-bank"
tier = "trusted-partner"
programmes = ["early-partners"]
end_user = "civil"
members = ["p000003"]

[[lists]]
id = "restored"
organisations = ["example-bank"]
people = ["p000004"]
"""
MOST = 1 << 20
DAYS = {"2027-06-30": "2027-07-15", "2027-12-31": "2027-11-30"}


class Orders:
    """The deeds of officials and of the developer after a review, by the functions of commands."""

    def __init__(self, world: World) -> None:
        self.world, self.folder = world, world.folder
        self.prefix, self.other = world.given.prefix, world.given.stream is not None
        self.case: Case = world.opened(still="[]")
        self.bundles = self.folder / "bundles"
        self.bundles.mkdir()
        people = self.folder / "people.csv"
        rows = [f"p{n:06d},{'XB' if n == 9 else 'XA'},XA,true" for n in range(60)]
        people.write_text("\n".join(["id,nationalities,residence,verified", *rows, ""]), "utf-8")
        self.shelf = BundleFolder(self.bundles)
        entities = self.written("entities.toml", ENTITIES)
        self.crowd = UserBase(read_named(entities, MOST), read_named(people, MOST))

    def written(self, name: str, text: str) -> Path:
        """A file under the names and days of this world."""
        text = text.replace("example-", f"{self.prefix}-").replace("invented", self.prefix)
        text = text.replace('framework = "example"', f'framework = "{self.prefix}-rules"')
        for day, instead in DAYS.items() if self.other else ():
            text = text.replace(day, instead)
        path = self.folder / name
        path.write_text(text, "utf-8")
        return path

    def file(self, name: str, **changed: str) -> NamedText:
        """A shipped text of the June case."""
        text = resources.files("touchstone.demo.june").joinpath(name).read_text("utf-8")
        for old, new in changed.items():
            assert old.replace("_", "-") in text
            text = text.replace(old.replace("_", "-"), new)
        path = self.written(f"{'-'.join(changed.values())}{name}", text)
        return read_named(path, MOST)

    def do(self, deed: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """A deed, some time after the last one."""
        self.world.later()
        return deed(self.case, *args, **options)

    def all(self) -> None:
        """Everything, in order."""
        self.talked()
        made = self.do(bundles.publish, self.shelf, self.registry, self.world.given.stream)
        pin = Pin(bytes.fromhex(made.key), made.stream)
        gateway = Gateway(self.folder / "gateway", pin, f"{self.prefix}-1")
        self.taken(gateway, 1)
        self.directed()
        self.taken(gateway, 2)
        self.lifted()

    @property
    def registry(self) -> Any:
        """Who belongs where."""
        return registry_of(CaseTexts(self.case), self.crowd)

    def talked(self) -> None:
        """Terms offered, declined, offered again, countered and agreed."""
        lab, agency = self.case.participants.developer, self.case.participants.agencies[0]
        first, second = (lab, agency) if self.other else (agency, lab)
        terms = self.file("terms.toml")
        wider = NamedText(terms.text.replace('version = "1"', 'version = "2"'), "wider.toml")
        self.do(offers.offer, terms, first)
        reason = "Too wide." if self.other else None
        self.do(offers.answer, second, agree=False, reason=reason)
        self.do(offers.offer, terms, first)
        self.do(offers.offer, wider, second, counter=True)
        for party in (first, second):
            self.do(offers.answer, party, agree=True)

    def directed(self) -> None:
        """Directives of every kind of answer."""
        agency, other, out = self.case.participants.agencies[0], self.other, self.shelf
        order, restoring = self.file("june-12.toml"), self.file("june-26.toml")
        self.do(directives.authorise, self.file("standing.toml"))
        label = self.world.given.marking
        self.do(directives.issue, order, self.crowd, party=agency, label=label)
        reason = "As few as possible." if other else None
        narrowly = self.file("june-12-narrowly.toml")
        self.do(
            directives.answer,
            "june-12",
            "narrowly",
            self.crowd,
            reading=narrowly,
            out=out,
            reason=reason,
        )
        self.do(
            directives.issue,
            self.file("june-20.toml"),
            self.crowd,
            party=self.case.participants.agencies[-1],
            out=out,
        )
        self.do(directives.issue, restoring, self.crowd, party=agency)
        self.do(
            directives.answer, "june-26", "more-broadly", self.crowd, reading=restoring, out=out
        )
        name = f"{self.prefix}-21"
        again = self.file("june-20.toml", june_20=name)
        self.do(directives.issue, again, self.crowd, party=agency)
        self.do(directives.answer, name, "contested", self.crowd)
        self.do(
            directives.answer,
            name,
            "narrowly",
            self.crowd,
            reading=again,
            out=out,
            revise=True,
            reason=reason,
        )
        self.do(
            directives.answer, name, "more-broadly", self.crowd, reading=again, out=out, revise=True
        )
        self.do(directives.answer, name, "contested", self.crowd, out=out, revise=True)

    def lifted(self) -> None:
        """A directive lifted, an older bundle restored, receipts noted, classes taken back."""
        agency = self.case.participants.agencies[0]
        lifted = f"{self.prefix}-21" if self.other else "june-12"
        self.do(directives.lift, lifted, party=agency)
        self.do(bundles.publish, self.shelf, self.registry)
        self.do(bundles.return_to, self.shelf, 2 if self.other else 1)
        self.do(directives.authorise, None)

    def taken(self, gateway: Gateway, number: int) -> None:
        """A gateway takes a bundle, and its receipt goes on the record."""
        data = (self.bundles / bundles.bundle_name(number)).read_bytes()
        gateway.take(data, int(self.world.clock.now().timestamp() * 1000))
        self.world.later()
        assert gateways.note(self.case, [hear(parse_gateway(gateway.option))]) == 1
