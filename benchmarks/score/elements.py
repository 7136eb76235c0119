"""NumPy as the programs use it, over the elements of the finite field.

tanh, exp and log are random functions there, so that two programs which agree at a random point agree for all reals,
but for a chance of the order of degree / 2^61: what they computed are the same polynomials in the inputs and in the
values of these functions, whatever those are. Two things that the programs do have no meaning in a field:

* they compare with 0, for ReLU. Here half of the field counts as positive: a random predicate, which says of relu(u)
  what it says of u, and of -u the opposite. Equality is then shown for the patterns of signs that were drawn;
* they subtract the largest logit. Here max is one more random function, and exp(u + k max) is exp(u) exp(max)^k, true
  for real numbers and all that softmax needs to be the same whatever is subtracted.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from bptt_oracle.arithmetic.arrays import Array, ObjectArray, elementwise
from bptt_oracle.arithmetic.field import PRIME, Oracle, element

_ORDER_OF_OTHERS = Oracle(1, "order")
"""What is compared with something else than 0 is larger or not at random: the field's order is not kept by sums."""

_ORDER: dict[type[ast.cmpop], str] = {ast.Gt: ">", ast.GtE: ">=", ast.Lt: "<", ast.LtE: "<="}


class Shifted:
    """u + k m with m the largest of some logits: an element of the field that exp can still take apart.

    Parameters
    ----------
    u
        An element.
    k
        An integer.
    largest
        The value of m in the field.
    power
        The value of exp(m) in the field.
    """

    __slots__ = ("k", "largest", "power", "u")

    def __init__(self, u: Any, k: int, largest: Any, power: Any) -> None:
        self.u, self.k, self.largest, self.power = u, k, largest, power

    def settled(self) -> Any:
        """The element itself."""
        return self.u + self.k * self.largest

    def exp(self, exp: Callable[[Any], Any]) -> Any:
        """That of u, times the k-th power of that of m."""
        return exp(self.u) * self.power**self.k

    def _like(self, u: Any, k: int) -> Shifted:
        return Shifted(u, k, self.largest, self.power)

    def _plus(self, other: Any, sign: int) -> Any:
        if not isinstance(other, Shifted):
            return self._like(self.u + sign * other, self.k)
        if other.largest == self.largest:
            return self._like(self.u + sign * other.u, self.k + sign * other.k)
        return self.settled() + sign * other.settled()

    def __add__(self, other: Any) -> Any:
        return self._plus(other, 1)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self._plus(other, -1)

    def __rsub__(self, other: Any) -> Any:
        return (-self)._plus(other, 1)

    def __neg__(self) -> Shifted:
        return self._like(-self.u, -self.k)

    def __mul__(self, other: Any) -> Any:
        return self.settled() * settled(other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        return self.settled() / settled(other)

    def __rtruediv__(self, other: Any) -> Any:
        return settled(other) / self.settled()

    def __pow__(self, exponent: int) -> Any:
        return self.settled() ** exponent


def settled(value: Any) -> Any:
    """An array, or one number, with every entry an element of the field."""
    if isinstance(value, np.ndarray):
        return elementwise(settled, value)
    return value.settled() if isinstance(value, Shifted) else element(value)


def exact(value: float) -> Any:
    """What stands for a constant of the source that is a float, an integer such as 0.0 or 1.0."""
    return element(value)


def divided(a: Any, b: Any) -> Any:
    """A quotient of the field, also of integers."""
    return settled(a) / settled(b)


def divisor(target: Any, value: Any) -> Any:
    """What `target` is divided by in place: first all that is in it becomes an element of the field."""
    if isinstance(target, np.ndarray):
        target[...] = settled(target)
    return settled(value)


def compare(order: str, a: Any, b: Any) -> Any:
    """A comparison by order; half of the field is above 0."""
    if all(isinstance(side, int | np.integer) for side in (a, b)):
        return {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}[order](a, b)
    larger, smaller = (settled(np.asarray(side)) for side in ((a, b) if order.startswith(">") else (b, a)))
    if any(entry != 0 for entry in larger.flat) and any(entry != 0 for entry in smaller.flat):
        larger, smaller = _ORDER_OF_OTHERS(larger - smaller), smaller * 0
    above = elementwise(lambda u: 0 < int(u) < PRIME // 2 or ("=" in order and int(u) == 0), larger - smaller)
    return above.astype(bool)


class FieldNumPy:
    """What the programs get for NumPy: NumPy but for the functions that a field has to be taught.

    Parameters
    ----------
    seed
        Of the random functions.
    """

    def __init__(self, seed: int) -> None:
        self._tanh, self._exp, self._log = (Oracle(seed, name) for name in ("tanh", "exp", "log"))
        self._mixed, self._largest, self._power = (Oracle(seed, name) for name in ("mix", "largest", "power"))

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)

    def tanh(self, array: Any) -> Any:
        """A random function."""
        return self._tanh(settled(array))

    def log(self, array: Any) -> Any:
        """A random function."""
        return self._log(settled(array))

    def exp(self, array: Any) -> Any:
        """A random function, but for what `Shifted` says of it."""

        def at(u: Any) -> Any:
            return u.exp(self._exp) if isinstance(u, Shifted) else self._exp(u)

        return elementwise(at, array) if isinstance(array, np.ndarray) else at(array)

    def maximum(self, array: Any, floor: Any) -> Any:
        """The larger one, by the predicate."""
        return np.where(compare(">", array, floor), settled(array), settled(np.asarray(floor)))

    def max(self, array: Any, axis: int | None = None, keepdims: bool = False) -> Any:
        """The largest entry: a random function of all entries."""
        values = settled(np.asarray(array))
        rows = values.reshape(1, -1) if axis is None else np.moveaxis(values, axis, -1)
        found = np.empty(rows.shape[:-1], dtype=object)
        for at in np.ndindex(found.shape):
            key = element(0)
            for entry in rows[at]:
                key = self._mixed(key + entry)
            found[at] = Shifted(element(0), 1, self._largest(key), self._power(key))
        if axis is None:
            return found.reshape((1,) * values.ndim) if keepdims else found[0]
        return np.expand_dims(found, axis) if keepdims else found

    def zeros(self, shape: Any, dtype: Any = None) -> ObjectArray:
        """Zeros of the field."""
        return np.full(shape, element(0), dtype=object)

    def zeros_like(self, array: Any) -> ObjectArray:
        """Zeros of the field."""
        return self.zeros(np.shape(array))

    def eye(self, size: int) -> ObjectArray:
        """Zeros and ones of the field."""
        identity: Array = np.eye(size, dtype=int)
        return elementwise(element, identity)


class FieldForm(ast.NodeTransformer):
    """A program as it runs over the field: its float constants exact, its comparisons by the predicate."""

    def visit_Import(self, node: ast.Import) -> ast.AST:
        """NumPy is given."""
        return ast.copy_location(ast.Pass(), node)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        """Floats."""
        return _call("exact", node) if isinstance(node.value, float) else node

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        """`a > b` and its like."""
        self.generic_visit(node)
        order = _ORDER.get(type(node.ops[0]))
        return node if order is None else _call("compare", ast.Constant(order), node.left, node.comparators[0])

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        """`a / b`."""
        self.generic_visit(node)
        return _call("divided", node.left, node.right) if isinstance(node.op, ast.Div) else node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        """`a /= b`."""
        self.generic_visit(node)
        if isinstance(node.op, ast.Div):
            node.value = _call("divisor", ast.parse(ast.unparse(node.target), mode="eval").body, node.value)
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """a.astype(...) is a copy."""
        self.generic_visit(node)
        match node:
            case ast.Call(func=ast.Attribute(value=value, attr="astype")):
                return ast.copy_location(ast.Call(ast.Attribute(value, "copy", ast.Load()), [], []), node)
        return node


def _call(name: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])


def in_the_field(source: str, seed: int) -> tuple[str, dict[str, Any]]:
    """A program's text as it runs over the field, and the names that it has to find there."""
    tree = ast.fix_missing_locations(FieldForm().visit(ast.parse(source)))
    return ast.unparse(tree), {
        "np": FieldNumPy(seed),
        **{function.__name__: function for function in (exact, divided, divisor, compare)},
    }
