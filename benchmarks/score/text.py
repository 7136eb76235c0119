"""A program's source with its syntax tree: where things stand, what part they belong to, what they carry out."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from functools import cached_property

_PART = re.compile(r"#\s*(forward|backward)\s*$")
_EQUATION = re.compile(r"\((\d+)\)")
_TIGHT = (ast.Name, ast.Attribute, ast.Subscript, ast.Call, ast.Constant, ast.List, ast.Dict, ast.Tuple, ast.ListComp)


class Text:
    """A source text that can be looked at node by node.

    Parameters
    ----------
    source
        Python source.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self.tree = ast.parse(source)
        self._starts = [0]
        for line in source.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self.parent = {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}

    @cached_property
    def _comments(self) -> dict[int, str]:
        tokens = tokenize.generate_tokens(io.StringIO(self.source).readline)
        return {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}

    @cached_property
    def _parts(self) -> dict[int, str]:
        parts = dict.fromkeys(range(len(self._starts)), "")
        for node in ast.walk(self.tree):
            part = ""
            for line in range(node.lineno, (node.end_lineno or 0) + 1) if isinstance(node, ast.FunctionDef) else ():
                if match := _PART.match(self._comments.get(line, "")):
                    part = match[1]
                parts[line] = part
        return parts

    def nodes(self, part: str) -> Iterator[ast.AST]:
        """Every node of one part, "forward" or "backward", in the order of the text; definitions are left out."""
        found = [
            node
            for node in ast.walk(self.tree)
            if isinstance(node, ast.expr | ast.stmt | ast.keyword)
            and not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Return)
            and self.part(node) == part
            and self.equations(node)
        ]
        return iter(sorted(found, key=lambda node: (node.lineno, node.col_offset, -(node.end_col_offset or 0))))

    def part(self, node: ast.AST) -> str:
        """The part that a statement or an expression belongs to: "forward", "backward", or "" for none."""
        return self._parts[getattr(node, "lineno", 0)]

    def equations(self, node: ast.AST) -> frozenset[int]:
        """The numbers of the equations that the statement of a node is marked with; of a block, its first line's."""
        statement = self.statement(node)
        end = statement.body[0].lineno if isinstance(statement, ast.For | ast.If) else (statement.end_lineno or 0) + 1
        lines = range(statement.lineno, end)
        return frozenset(int(number) for line in lines for number in _EQUATION.findall(self._comments.get(line, "")))

    def added_to(self, node: ast.expr | ast.stmt | ast.keyword, new: str) -> frozenset[int]:
        """What the statements are marked with that add to what `node`, in the target of one, makes it as `new`."""
        statement = self.statement(node)
        if not isinstance(statement, ast.AugAssign) or all(node is not part for part in ast.walk(statement.target)):
            return frozenset()
        (start, end), (first, _) = self.span(node), self.span(statement.target)
        target = self.of(statement.target)
        return self._marks_of_targets.get(target[: start - first] + new + target[end - first :], frozenset())

    @cached_property
    def _marks_of_targets(self) -> dict[str, frozenset[int]]:
        """By the text of what is added to, the numbers that these statements are marked with."""
        found: dict[str, frozenset[int]] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.AugAssign):
                target = self.of(node.target)
                found[target] = found.get(target, frozenset()) | self.equations(node)
        return found

    def statement(self, node: ast.AST) -> ast.stmt:
        """The statement that a node is in."""
        while not isinstance(node, ast.stmt):
            node = self.parent[node]
        return node

    def span(self, node: ast.expr | ast.stmt | ast.keyword) -> tuple[int, int]:
        """Where a node starts and ends in the source. Programs are ASCII: a column is a byte is a character."""
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self._starts[node.lineno - 1] + node.col_offset, self._starts[node.end_lineno - 1] + node.end_col_offset

    def of(self, node: ast.expr | ast.stmt | ast.keyword) -> str:
        """The text of a node, without parentheses around it."""
        start, end = self.span(node)
        return self.source[start:end]

    def operand(self, node: ast.expr) -> str:
        """The text of a node as part of an operation: in parentheses where it needs them."""
        return self.of(node) if isinstance(node, _TIGHT) else f"({self.of(node)})"

    def in_place_of(self, node: ast.expr, new: ast.expr) -> str:
        """The text of a node inside `node`, fit to stand where that one stands."""
        inside = isinstance(self.parent[node], ast.BinOp | ast.UnaryOp | ast.Attribute | ast.Compare | ast.Subscript)
        return self.operand(new) if inside else self.of(new)

    def replaced(self, node: ast.expr | ast.stmt | ast.keyword, text: str) -> str:
        """The source with another text for a node."""
        start, end = self.span(node)
        return self.source[:start] + text + self.source[end:]
