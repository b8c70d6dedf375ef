"""Every mutant of a source text, each a replacement of one piece of it.

Not changed are annotations, decorators, texts, and what is raised: a mutant there says nothing
about behaviour. Nor is one value written as another way to write it.
"""

import ast
import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
TWINS = (
    ("min", "max"),
    ("any", "all"),
    ("minimum", "maximum"),
    ("floor", "ceil"),
    ("argmin", "argmax"),
    ("alpha", "beta"),
    ("low", "high"),
    ("lower", "upper"),
    ("lower_bound", "upper_bound"),
    ("above", "below"),
    ("solved", "counted"),
    ("first", "last"),
    ("before", "after"),
    ("earlier", "later"),
    ("since", "until"),
    ("start", "end"),
    ("start", "stop"),
    ("left", "right"),
    ("old", "new"),
    ("one", "other"),
    ("outcomes", "reference"),
    ("add", "discard"),
    ("issubset", "issuperset"),
    ("startswith", "endswith"),
    ("union", "intersection"),
)
"""Opposites: where a file or a function uses both names, one may stand for the other."""

_EITHER_WAY = {"min", "max", "minimum", "maximum"}
"""What two numbers may be given to in either order, as long as neither is NaN."""
_ALWAYS = {"min", "max", "any", "all", "floor", "ceil", "minimum", "maximum", "argmin", "argmax"}
_EMPTY = {
    "bool": "False",
    "str": "''",
    "bytes": "b''",
    "int": "0",
    "float": "0.0",
    "tuple": "()",
    "list": "[]",
    "dict": "{}",
    "set": "set()",
    "frozenset": "frozenset()",
}


@dataclass(frozen=True)
class Mutant:
    """One wrong change: `text[start:end]`, in bytes of the file, becomes `becomes`."""

    place: str
    """Path below the package, `::`, and the function (empty: the module itself)."""
    operator: str
    line: str
    """The source line on which it begins, without its indentation."""
    was: str
    becomes: str
    nth: int
    """1, or which of several with the same place, operator, line and texts."""
    start: int
    end: int
    lines: tuple[int, int]
    """First and last line of the statement around it, from 1."""

    @property
    def key(self) -> tuple[str, str, str, str, str, int]:
        """What it is called by, wherever its line has moved to."""
        return (self.place, self.operator, self.line, self.was, self.becomes, self.nth)

    @property
    def id(self) -> str:
        """Eight hex digits of the key."""
        return hashlib.sha256("\0".join(map(str, self.key)).encode()).hexdigest()[:8]

    def apply(self, source: bytes) -> bytes:
        """The source with the change in it."""
        return source[: self.start] + self.becomes.encode() + source[self.end :]


def mutants(source: bytes, path: str) -> list[Mutant]:
    """All mutants of one file, in the order of the text; `path` names it in their places."""
    tree = ast.parse(source)
    found = _Finder(source, path)
    found.visit(tree)
    counted: Counter[tuple[str, ...]] = Counter()
    numbered = []
    for each in sorted(found.found, key=lambda one: (one.start, one.end, one.becomes)):
        what = (each.place, each.operator, each.line, each.was, each.becomes)
        counted[what] += 1
        numbered.append(replace(each, nth=counted[what]))
    return numbered


class _Finder(ast.NodeVisitor):
    """Walks a module and keeps what it finds."""

    def __init__(self, source: bytes, path: str) -> None:
        self.source, self.path = source, path
        self.starts = [0]
        for line in source.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))
        self.names: list[str] = []
        self.returns: list[str] = []
        self.words: list[set[str]] = [set()]
        self.around: tuple[int, int] = (1, 1)
        self.found: list[Mutant] = []

    def visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.Module):
            self.words = [_words(node)]
        if isinstance(node, ast.stmt):
            self.around = (node.lineno, _header_end(node))
        # Not those that the base class has of old, such as visit_Constant.
        special = vars(_Finder).get(f"visit_{type(node).__name__}")
        if special is not None:
            special(self, node)
            return
        self.offer(node)
        self.generic_visit(node)

    def offer(self, node: ast.AST) -> None:
        if not isinstance(node, ast.expr | ast.stmt):
            return
        for operator, becomes in (*_changes(node), *self._of_names(node)):
            self.keep(node, operator, becomes)

    def keep(self, node: ast.expr | ast.stmt, operator: str, becomes: str) -> None:
        start = self.starts[node.lineno - 1] + node.col_offset
        end = self.starts[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)
        line = self.source[self.starts[node.lineno - 1] : self.starts[node.lineno]]
        place = f"{self.path}::{'.'.join(self.names)}"
        was = self.source[start:end].decode()
        if _alike(was.removeprefix("return "), becomes.removeprefix("return ")):
            return
        text = f"({becomes})" if isinstance(node, ast.expr) else becomes
        self.found.append(
            Mutant(place, operator, line.decode().strip(), was, text, 1, start, end, self.around)
        )

    def _of_names(self, node: ast.AST) -> Iterator[tuple[str, str]]:
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
            name = node.id if isinstance(node, ast.Name) else node.attr
            words = self.words[-1] if isinstance(node, ast.Name) else self.words[0]
            for pair in TWINS:
                if name in pair:
                    other = pair[1 - pair.index(name)]
                    if other in words or other in _ALWAYS:
                        changed = (
                            ast.Name(other)
                            if isinstance(node, ast.Name)
                            else ast.Attribute(node.value, other)
                        )
                        yield "exchange", ast.unparse(changed)

    # ---- places of their own

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        arguments = node.args
        for default in (*arguments.defaults, *(each for each in arguments.kw_defaults if each)):
            self.visit(default)
        self.names.append(node.name)
        self.returns.append(ast.unparse(node.returns) if node.returns else "")
        self.words.append(_words(node))
        for each in node.body:
            self.visit(each)
        self.words.pop()
        self.returns.pop()
        self.names.pop()

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.names.append(node.name)
        for each in node.body:
            self.visit(each)
        self.names.pop()

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value:
            self.visit(node.value)

    def visit_If(self, node: ast.If) -> None:
        self.keep(node.test, "branch", "False")
        self.keep(node.test, "branch", "True")
        self.generic_visit(node)

    def visit_match_case(self, node: ast.match_case) -> None:
        self.around = (node.pattern.lineno, max(node.pattern.lineno, node.body[0].lineno - 1))
        if node.guard:
            self.keep(node.guard, "branch", "False")
            self.keep(node.guard, "branch", "True")
            self.visit(node.guard)
        for each in node.body:
            self.visit(each)

    def visit_Raise(self, node: ast.Raise) -> None:
        self.keep(node, "drop raise", "pass")

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """Texts for people; their positions are not reliable before Python 3.12 either."""

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """Nothing to change."""

    def visit_Return(self, node: ast.Return) -> None:
        if node.value is None:
            return
        promised = self.returns[-1] if self.returns else ""
        for becomes in _instead(promised, node.value):
            self.keep(node, "return", f"return {becomes}")
        self.visit(node.value)

    def visit_Call(self, node: ast.Call) -> None:
        self.offer(node)
        self.visit(node.func)
        for argument in node.args:
            self.visit(argument)
        for keyword in node.keywords:
            # zip(strict=...) can be noticed only by what the types already forbid.
            if keyword.arg != "strict":
                self.visit(keyword.value)


def _words(node: ast.AST) -> set[str]:
    names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
    names |= {each.arg for each in ast.walk(node) if isinstance(each, ast.arg)}
    return names | {each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute)}


def _header_end(node: ast.stmt) -> int:
    body = getattr(node, "body", None)
    if body and isinstance(body, list) and body[0].lineno > node.lineno:
        return int(body[0].lineno) - 1
    return node.end_lineno or node.lineno


def _alike(one: str, other: str) -> bool:
    """Whether two texts are the same, or literals of the same value."""
    try:
        return bool(ast.literal_eval(one) == ast.literal_eval(other))
    except (ValueError, SyntaxError):
        return one == other


def _instead(promised: str, value: ast.expr) -> Iterator[str]:
    text = ast.unparse(value)
    if promised == "bool":
        if text not in {"True", "False"}:
            yield f"not ({text})"
        return
    kind = promised.split("[", maxsplit=1)[0].split(" ", maxsplit=1)[0]
    empty = _EMPTY.get(kind, "None")
    if "None" in promised.split(" | "):
        empty = "None"
    if text != empty and (empty != "None" or "None" in promised.split(" | ")):
        yield empty


def _changes(node: ast.AST) -> Iterator[tuple[str, str]]:
    match node:
        case ast.Compare() | ast.BoolOp():
            yield from _logic(node)
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            yield "sign", ast.unparse(node.operand)
        case ast.BinOp() if type(node.op) in ARITHMETIC:
            changed = ast.BinOp(node.left, ARITHMETIC[type(node.op)](), node.right)
            yield "arithmetic", ast.unparse(changed)
        case ast.Constant(value=bool(value)):
            yield "constant", str(not value)
        case ast.Constant(value=int(number)):
            yield "constant", str(number + 1)
            yield "constant", str(number - 1)
        case ast.Constant(value=float(real)):
            # Not repr: that of an infinite one is a name.
            yield "constant", ast.unparse(ast.Constant(real + 1))
            yield "constant", ast.unparse(ast.Constant(real / 2 if real else -1.0))
        case ast.Call():
            yield from _calls(node)
        case ast.IfExp():
            yield "branch", ast.unparse(node.body)
            yield "branch", ast.unparse(node.orelse)
        case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
            yield from _filters(node)
        case _:
            yield from _statements(node)


def _logic(node: ast.Compare | ast.BoolOp) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.BoolOp):
        yield from _conditions(node)
        return
    for place, operator in enumerate(node.ops):
        for other in COMPARISONS[type(operator)]:
            ops = [*node.ops[:place], other(), *node.ops[place + 1 :]]
            yield "comparison", ast.unparse(ast.Compare(node.left, ops, node.comparators))


def _conditions(node: ast.BoolOp) -> Iterator[tuple[str, str]]:
    other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    yield "and/or", ast.unparse(ast.BoolOp(other, node.values))
    for place in range(len(node.values)):
        rest = [*node.values[:place], *node.values[place + 1 :]]
        left = ast.BoolOp(node.op, rest) if len(rest) > 1 else rest[0]
        yield "drop condition", ast.unparse(left)


def _calls(node: ast.Call) -> Iterator[tuple[str, str]]:
    plain = (ast.Name, ast.Attribute, ast.Subscript)
    either_way = isinstance(node.func, ast.Name | ast.Attribute) and (
        (node.func.id if isinstance(node.func, ast.Name) else node.func.attr) in _EITHER_WAY
    )
    for place in range(0 if either_way else len(node.args) - 1):
        one, other = node.args[place : place + 2]
        if isinstance(one, plain) and isinstance(other, plain):
            swapped = [*node.args[:place], other, one, *node.args[place + 2 :]]
            if ast.dump(one) != ast.dump(other):
                yield "swap arguments", ast.unparse(ast.Call(node.func, swapped, node.keywords))
    for place, keyword in enumerate(node.keywords):
        if keyword.arg not in {None, "strict"}:
            rest = [*node.keywords[:place], *node.keywords[place + 1 :]]
            yield "drop argument", ast.unparse(ast.Call(node.func, node.args, rest))


def _filters(
    node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp,
) -> Iterator[tuple[str, str]]:
    for number, each in enumerate(node.generators):
        for place in range(len(each.ifs)):
            left = ast.comprehension(
                each.target, each.iter, [*each.ifs[:place], *each.ifs[place + 1 :]], each.is_async
            )
            generators = [*node.generators[:number], left, *node.generators[number + 1 :]]
            fields = {**dict(ast.iter_fields(node)), "generators": generators}
            yield "drop filter", ast.unparse(type(node)(**fields))


def _statements(node: ast.AST) -> Iterator[tuple[str, str]]:
    match node:
        case ast.Break():
            yield "break/continue", "continue"
        case ast.Continue():
            yield "break/continue", "break"
        case ast.Expr(value=ast.Call() | ast.Yield() | ast.YieldFrom()):
            yield "drop statement", "pass"
        case ast.AugAssign():
            yield "drop statement", "pass"
            if type(node.op) in ARITHMETIC:
                changed = ast.AugAssign(node.target, ARITHMETIC[type(node.op)](), node.value)
                yield "arithmetic", ast.unparse(changed)
