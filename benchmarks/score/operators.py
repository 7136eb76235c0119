"""Operators of mutation: small slips, as changes of the text of one node.

None of them knows the catalogue of mistakes: they are what mutation testing does to any program, and what fingers do.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from types import MappingProxyType

from .text import Text


@dataclass(frozen=True)
class Change:
    """Another text for one node.

    Attributes
    ----------
    node : what is replaced
    text : by what
    variant : which of several replacements it is
    """

    node: ast.expr | ast.stmt | ast.keyword
    text: str
    variant: str = ""


Kinds = tuple[tuple[str, ...], ...]
Operator = Callable[[Text, ast.AST, Kinds], Iterator[Change]]

PRODUCTS = ("dot", "outer", "matmul")
_AXES = {"0": ("1",), "1": ("0",), "2": ("1",), "-1": ("0",), "(0, 1)": ("0", "1")}


# ---- what a node is


def _factors(node: ast.AST) -> tuple[ast.expr, ast.expr] | None:
    """The two factors of a product of matrices: a @ b, np.dot(a, b), np.outer(a, b), a.dot(b)."""
    match node:
        case ast.BinOp(op=ast.MatMult(), left=left, right=right):
            return left, right
        case ast.Call(func=ast.Attribute(value=ast.Name(id="np"), attr=attr), args=[a, b]) if attr in PRODUCTS:
            return a, b
        case ast.Call(func=ast.Attribute(value=value, attr="dot"), args=[b]):
            return value, b
    return None


def _product(text: Text, node: ast.AST, a: str, b: str) -> str:
    """The product `node` with other factors."""
    match node:
        case ast.BinOp():
            return f"{a} @ {b}"
        case ast.Call(func=ast.Attribute(value=ast.Name(id="np")) as function):
            return f"{text.of(function)}({a}, {b})"
    return f"{a}.dot({b})"


def _is_transposed(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "T"


def _with_transposition_moved(text: Text, a: ast.expr, b: ast.expr) -> tuple[str, str] | None:
    """The factors of a product with .T at the other one; None if both or neither have it."""
    match a, b:
        case (ast.Attribute(value=inside, attr="T"), other) if not _is_transposed(other):
            return text.operand(inside), f"{text.operand(other)}.T"
        case (other, ast.Attribute(value=inside, attr="T")) if not _is_transposed(other):
            return f"{text.operand(other)}.T", text.operand(inside)
    return None


def _in_index(text: Text, node: ast.AST) -> bool:
    """Whether a node is part of an index or of the bounds of a loop."""
    while not isinstance(node, ast.stmt):
        above = text.parent[node]
        if isinstance(above, ast.Subscript) and node is above.slice:
            return True
        if isinstance(above, ast.Call) and node in above.args and _is_range(above):
            return True
        node = above
    return False


def _is_range(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Name(id="range") | ast.Attribute(value=ast.Name(id="np"), attr="arange")):
            return True
    return False


def _positions(node: ast.AST) -> Iterator[ast.expr]:
    """The expressions in a node that are positions: indices, bounds of slices and of ranges."""
    match node:
        case ast.Subscript(slice=ast.Tuple(elts=elements)):
            yield from chain.from_iterable(_bounds(element) for element in elements)
        case ast.Subscript(slice=index):
            yield from _bounds(index)
        case ast.Call(args=arguments) if _is_range(node):
            yield from arguments[:2]
        case ast.keyword(arg="start", value=value):
            yield value


def _bounds(index: ast.expr) -> Iterator[ast.expr]:
    if isinstance(index, ast.Slice):
        yield from (bound for bound in (index.lower, index.upper) if bound is not None)
    else:
        yield index


def _number(node: ast.expr) -> int | None:
    match node:
        case ast.Constant(value=int(value)) if not isinstance(value, bool):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int(value))):
            return -value
    return None


# ---- the operators


def drop_transpose(text: Text, node: ast.AST, kinds: Kinds) -> Iterator[Change]:
    """X.T becomes X."""
    if isinstance(node, ast.Attribute) and node.attr == "T":
        yield Change(node, text.in_place_of(node, node.value))


def drop_operand(text: Text, node: ast.AST, kinds: Kinds) -> Iterator[Change]:
    """One of two operands goes, and the operation with it."""
    if isinstance(node, ast.BinOp) and not _in_index(text, node):
        yield Change(node, text.in_place_of(node, node.left), "right")
        if not isinstance(node.op, ast.Pow):
            yield Change(node, text.in_place_of(node, node.right), "left")
    elif isinstance(node, ast.Call) and (factors := _factors(node)) is not None:
        yield Change(node, text.in_place_of(node, factors[0]), "right")
        yield Change(node, text.in_place_of(node, factors[1]), "left")


def drop_statement(text: Text, node: ast.AST, kinds: Kinds) -> Iterator[Change]:
    """A statement goes."""
    if isinstance(node, ast.Assign | ast.AugAssign | ast.Expr):
        yield Change(node, "pass")


def shift_index(text: Text, node: ast.AST, kinds: Kinds) -> Iterator[Change]:
    """One more or one less in an index or in a bound."""
    for position in _positions(node):
        for by in (1, -1):
            variant = f"{by:+}"
            number = _number(position)
            match position:
                case _ if number is not None:
                    yield Change(position, str(number + by), variant)
                case ast.BinOp(op=ast.Add() | ast.Sub(), right=ast.Constant(value=int(value)) as constant):
                    yield Change(constant, str(value + by), variant)
                case ast.Name() | ast.Attribute() | ast.Call():
                    yield Change(position, f"{text.of(position)} {'+' if by > 0 else '-'} 1", variant)


def assign_for_add(text: Text, node: ast.AST, kinds: Kinds) -> Iterator[Change]:
    """`a += b` becomes `a = b`."""
    if isinstance(node, ast.AugAssign):
        yield Change(node, f"{text.of(node.target)} = {text.of(node.value)}")


def swap_signs(text: Text, node: ast.AST, kinds: Kinds) -> Iterator[Change]:
    """`+` becomes `-`, and `-` becomes `+`."""
    match node:
        case ast.BinOp(op=ast.Add() | ast.Sub() as op, left=left, right=right):
            sign = "-" if isinstance(op, ast.Add) else "+"
            yield Change(node, f"{_side(text, left)} {sign} {text.operand(right)}")
        case ast.AugAssign(op=ast.Add() | ast.Sub() as op, target=target, value=value):
            yield Change(node, f"{text.of(target)} {'-' if isinstance(op, ast.Add) else '+'}= {text.of(value)}")


def swap_operands(text: Text, node: ast.AST, kinds: Kinds) -> Iterator[Change]:
    """The factors of a product of matrices change places."""
    if (factors := _factors(node)) is not None and isinstance(node, ast.expr):
        a, b = factors
        yield Change(node, _product(text, node, text.operand(b), text.operand(a)))
    match node:
        case ast.Call(func=ast.Attribute(attr="einsum"), args=[subscripts, a, b]):
            yield Change(node, f"np.einsum({text.of(subscripts)}, {text.of(b)}, {text.of(a)})")


def reverse_loop(text: Text, node: ast.AST, kinds: Kinds) -> Iterator[Change]:
    """A loop runs the other way."""
    match node:
        case ast.Call(func=ast.Name(id="reversed"), args=[inside]):
            yield Change(node, text.of(inside))
        case ast.Subscript(value=inside, slice=ast.Slice(lower=None, upper=None, step=ast.UnaryOp())):
            yield Change(node, text.of(inside))
        case ast.Call(func=ast.Name(id="range" | "zip" | "enumerate" as name)) if isinstance(
            text.parent[node], ast.For | ast.comprehension
        ):
            loop = text.of(node)
            yield Change(node, f"reversed({loop})" if name == "range" else f"reversed(list({loop}))")


def negate(text: Text, node: ast.AST, kinds: Kinds) -> Iterator[Change]:
    """A term changes its sign: the whole of what is assigned, or the first of two terms."""
    match node:
        case ast.Assign(value=ast.BinOp() | ast.Call() | ast.Subscript() | ast.Name() as value):
            yield Change(value, f"-{text.operand(value)}", "all")
        case ast.BinOp(op=ast.Add(), left=left) if not _in_index(text, node):
            yield Change(left, f"-{text.operand(left)}" if not isinstance(left, ast.BinOp) else f"-({text.of(left)})")


def replace_name(text: Text, node: ast.AST, kinds: Kinds) -> Iterator[Change]:
    """A name is that of another thing of the same kind."""
    match node:
        case ast.Name(id=name, ctx=ast.Load()):
            quote = ""
        case ast.Attribute(attr=name, value=ast.Name(id="self"), ctx=ast.Load()):
            quote = ""
        case ast.Constant(value=str(name)) if isinstance(text.parent[node], ast.Subscript):
            quote = "'"
        case _:
            return
    for other in dict.fromkeys(chain.from_iterable(kind for kind in kinds if f"{quote}{name}{quote}" in kind)):
        bare = other.strip("'")
        if bare != name and isinstance(node, ast.expr):
            new = f"self.{bare}" if isinstance(node, ast.Attribute) else f'"{bare}"' if quote else bare
            yield Change(node, new, f"{name}>{bare}")


def inner_for_outer(text: Text, node: ast.AST, kinds: Kinds) -> Iterator[Change]:
    """An outer product becomes an inner one, or the transposition moves to the other factor."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id="np"), attr="outer"), args=[a, b]):
            yield Change(node, f"np.inner({text.of(a)}, {text.of(b)})")
        case ast.BinOp(
            op=ast.Mult(),
            left=ast.Subscript(value=a, slice=ast.Tuple()),
            right=ast.Subscript(value=b, slice=ast.Tuple()),
        ):
            yield Change(node, f"{text.of(a)}.dot({text.of(b)})")
        case ast.expr() if (factors := _factors(node)) is not None:
            if (moved := _with_transposition_moved(text, *factors)) is not None:
                yield Change(node, _product(text, node, *moved))


def wrong_axis(text: Text, node: ast.AST, kinds: Kinds) -> Iterator[Change]:
    """A sum or a maximum runs over another axis, or over all."""
    match node:
        case ast.Call(keywords=keywords) if axes := [keyword for keyword in keywords if keyword.arg == "axis"]:
            axis = axes[0].value
            for other in (*_AXES.get(text.of(axis), ()), "None"):
                yield Change(axis, other, other)


def _side(text: Text, left: ast.expr) -> str:
    """The left side of a sum, which needs no parentheses if it is a sum or a product itself."""
    return text.of(left) if isinstance(left, ast.BinOp) and not isinstance(left.op, ast.Pow) else text.operand(left)


OPERATORS: Mapping[str, Operator] = MappingProxyType(
    {
        "drop-transpose": drop_transpose,
        "drop-operand": drop_operand,
        "drop-statement": drop_statement,
        "shift-index": shift_index,
        "assign-for-add": assign_for_add,
        "swap-signs": swap_signs,
        "swap-operands": swap_operands,
        "reverse-loop": reverse_loop,
        "negate": negate,
        "replace-name": replace_name,
        "inner-for-outer": inner_for_outer,
        "wrong-axis": wrong_axis,
    }
)
"""All operators by name."""
