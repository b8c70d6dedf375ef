"""The source of modules, parsed and walked once in a process: a dozen tests look through it all."""

import ast
from functools import cache


@cache
def tree(source: str) -> ast.Module:
    """What a module says. Not to be changed."""
    return ast.parse(source)


@cache
def nodes(source: str) -> tuple[ast.AST, ...]:
    """All of its nodes."""
    return tuple(ast.walk(tree(source)))
