"""What may stand at each place of a request, at every depth: fields by name, parts by type.

What is allowed at the top is of no use where something else may stand below it: an item that names
another's answer, a file under the key that all callers share, a tool that reaches other machines.
So every object of a request is held against a table of what its place may hold. Only data that the
model alone reads (the schema of a function, the arguments of a call) may hold anything.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from touchstone.gateway.adapters.base import Admits, unreadable
from touchstone.gateway.adapters.names import is_judged, is_reference

BEYOND = "beyond_the_exchange"
_SCALARS = {str, int, float, bool, type(None)}
_OF_A_SCHEMA = frozenset({"properties", "patternProperties", "$defs", "definitions"})
"""Keywords of JSON Schema below which each name is the caller's own."""
_SAFE_URLS = ("http://", "https://", "data:")


class Node(Protocol):
    """What may stand at a place. A list holds what could stand there alone."""

    def check(self, value: object, place: str, admits: Admits) -> None:
        """RefusedError unless the value may stand there."""


class _Plain:
    """Text, numbers, true, false, null, and lists of them: no object at any depth."""

    def check(self, value: object, place: str, admits: Admits) -> None:
        if type(value) in _SCALARS:
            return
        if isinstance(value, dict):
            raise unreadable(f"{_shown(place)} holds an object, and none can be judged there")
        # Most lists are flat, such as a megabyte of token ids: one pass, and no call for each.
        if isinstance(value, list) and not all(type(each) in _SCALARS for each in value):
            for each in value:
                self.check(each, place, admits)


class _Free:
    """Data that only the model reads."""

    def check(self, value: object, place: str, admits: Admits) -> None:
        """Nothing is asked of it."""


class _Echo:
    """Anything that names nothing of another exchange, at any depth."""

    def check(self, value: object, place: str, admits: Admits) -> None:
        if isinstance(value, list):
            for each in value:
                self.check(each, place, admits)
        if not isinstance(value, dict):
            return
        if value.get("type") == "item_reference":
            raise reaches_beyond(place, "item_reference")
        for name, inner in value.items():
            # An echo of an answer holds a container as an object; its bare id is a way to
            # another's.
            named = is_reference(name) or (name == "container" and isinstance(inner, str))
            if named and inner not in (None, [], ""):
                raise reaches_beyond(place, name)
            self.check(inner, f"{place}{name}.", admits)


class _Admitted:
    """What an administrator admits: an echo that does not say again what is judged elsewhere."""

    def check(self, value: object, place: str, admits: Admits) -> None:
        ECHO.check(value, place, admits)
        self._check_names(value, place, free=False)

    def _check_names(self, value: object, place: str, *, free: bool) -> None:
        """`free`: the names at this place are the caller's own, each with a schema."""
        if isinstance(value, list):
            for each in value:
                self._check_names(each, place, free=False)
        if not isinstance(value, dict):
            return
        for name, inner in value.items():
            # A function may well have a parameter called "model": there it is a name, with a
            # schema.
            own = free and isinstance(inner, dict)
            if is_judged(name) and not own:
                raise unreadable(
                    f"the field {place}{name[:40]!a} could change what is asked, and is judged in"
                    " no other place than its own: take it out",
                    "unknown_field",
                )
            names = not own and name in _OF_A_SCHEMA
            self._check_names(inner, f"{place}{name}.", free=names)


class _Null:
    """Null, or nothing at all: what clients write where they mean none."""

    def check(self, value: object, place: str, admits: Admits) -> None:  # noqa: ARG002 - a node
        if value is not None and value != []:
            raise reaches_beyond(place, place.removesuffix(".").rpartition(".")[2])


class _Url:
    """An address that says what is fetched, or the thing itself; never a name at the endpoint."""

    def check(self, value: object, place: str, admits: Admits) -> None:
        PLAIN.check(value, place, admits)
        if isinstance(value, list):
            for each in value:
                self.check(each, place, admits)
        elif isinstance(value, str) and not value.lower().startswith(_SAFE_URLS):
            raise reaches_beyond(place, value)


class _Whole:
    """An object alone: a bare name in its place could be that of something stored."""

    def check(self, value: object, place: str, admits: Admits) -> None:  # noqa: ARG002 - a node
        if value is not None:
            raise unreadable(
                f"{_shown(place)} holds a bare name or number, which may stand for what lies beyond"
                " this request: write the object",
                BEYOND,
            )


PLAIN, FREE, ECHO, NULL, URL, WHOLE = _Plain(), _Free(), _Echo(), _Null(), _Url(), _Whole()
ADMITTED = _Admitted()


@dataclass(frozen=True)
class Table:
    """An object with these fields, some of which may be needed beside an `id`."""

    fields: Mapping[str, Node]
    whole: tuple[str, ...] = ()
    """Without all of these, an `id` stands for content that lies elsewhere."""
    bare: Node = WHOLE
    """What may stand in the object's place: nothing, unless an address or a plain word can."""

    def check(self, value: object, place: str, admits: Admits) -> None:
        """Each field by its own node; what is unknown only where the configuration admits it."""
        if not isinstance(value, dict):
            _check_bare(self, value, place, admits)
            return
        known = self.fields
        unknown = value.keys() - known.keys()
        if unknown:
            # By its whole place: `top_k` at the top admits none within a message.
            admitted = {name for name in unknown if f"{place}{name}" in admits.fields}
            refuse_unknown(value, known.keys() | admitted, place)
        # Clients send answers back with their ids: beside the whole content an id means nothing.
        if self.whole and value.get("id") and not all(value.get(name) for name in self.whole):
            raise reaches_beyond(place, "id")
        for name, inner in value.items():
            known.get(name, ADMITTED).check(inner, f"{place}{name}.", admits)


@dataclass(frozen=True)
class Kinds:
    """An object whose `type` says which table it has."""

    tables: Mapping[str, Table]
    default: str | None = None
    """The type of one that names none."""
    also: Mapping[str, Node] = field(default_factory=dict)
    """Fields that every type may have."""
    bare: Node = PLAIN
    """What may stand in the object's place: text, mostly."""

    def check(self, value: object, place: str, admits: Admits) -> None:
        """By its type; one that is not known only where the configuration allows it."""
        if not isinstance(value, dict):
            _check_bare(self, value, place, admits)
            return
        kind = value.get("type")
        kind = self.default if kind is None else kind
        if not isinstance(kind, str):
            raise (
                reaches_beyond(place, "type")
                if kind is None
                else unreadable(f"{place}type is not a word")
            )
        if kind in self.tables:
            self.tables[kind].check(value, place, admits)
        # What a hosted tool returned has forms of its own, which change with its version.
        elif admits.tool(kind, value.get("name")):
            ECHO.check(value, place, admits)
        else:
            raise reaches_beyond(place, kind)


@dataclass(frozen=True)
class Hosted:
    """What makes the endpoint use a tool of its own, in a field instead of a list of tools."""

    tool: str

    def check(self, value: object, place: str, admits: Admits) -> None:
        """Only where the configuration allows that tool."""
        if value is not None and not admits.tool(self.tool, None):
            raise reaches_beyond(place, self.tool)
        ECHO.check(value, place, admits)


def object_shape(
    kind: Mapping[str, Node], *plain: str, whole: tuple[str, ...] = (), bare: Node = WHOLE
) -> Table:
    """A table of these fields, and of `plain` ones."""
    return Table({**dict.fromkeys(("type", *plain), PLAIN), **kind}, whole, bare)


def _check_bare(node: Table | Kinds, value: object, place: str, admits: Admits) -> None:
    """A list by what stands in it; anything else as what may stand in the place of an object."""
    if isinstance(value, list):
        for each in value:
            node.check(each, place, admits)
    else:
        node.bare.check(value, place, admits)


def reaches_beyond(place: str, what: str) -> Exception:
    """The refusal of what reaches beyond this request and its answer."""
    where = f" ({_shown(place)})" if place else ""
    return unreadable(
        f"{what[:40]!a}{where} reaches beyond this request, to what others may have stored or to"
        " other machines: take it out",
        BEYOND,
    )


def refuse_unknown(body: Mapping[str, Any], known: Iterable[str], place: str) -> None:
    """RefusedError for a field that the API is not known to have."""
    unknown = body.keys() - {*known}
    if unknown:
        raise unreadable(
            f"the field {place}{min(unknown)[:40]!a} is not known here, so its effect cannot be"
            " judged: take it out",
            "unknown_field",
        )


def _shown(place: str) -> str:
    return place.removesuffix(".")[:80]
