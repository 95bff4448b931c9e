"""Small changes of a program that its tests should notice: a limit off by one, a guard dropped, a step left out."""

import ast
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

Replacement: TypeAlias = tuple[ast.expr | ast.stmt, str]

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
}
# Words of the wire, names of settings: prose is for people, and no test is to repeat it.
_WORD = re.compile(r"\S+")
_LEFT_ALONE = {"cast", "TypeVar", "NewType", "getLogger", "get_logger"}
"""Calls whose arguments say nothing of what the program does."""
_LOGS = {"log", "logger"}
_LISTS_OF_NAMES = {"__all__", "__slots__"}


@dataclass(frozen=True)
class Change:
    """Bytes of a file to be replaced."""

    path: Path
    line: int
    start: int
    end: int
    was: str
    now: str

    def apply(self, source: bytes) -> bytes:
        """The source with the change made."""
        return source[: self.start] + self.now.encode() + source[self.end :]

    def __str__(self) -> str:
        was, now = (" ".join(text.split()) for text in (self.was, self.now))
        return f"{self.path}:{self.line}: {was[:70]}  →  {now[:70]}"


def changes_of(path: Path, source: bytes) -> list[Change]:
    """Every change of this file, one at a time, that makes another program."""
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    found = []
    for node, now in _Finder().of(ast.parse(source)):
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        start = starts[node.lineno - 1] + node.col_offset
        end = starts[node.end_lineno - 1] + node.end_col_offset
        found.append(Change(path, node.lineno, start, end, source[start:end].decode(), now))
    return found


class _Finder(ast.NodeVisitor):
    """Walks what runs; types, decorators, docstrings, log lines and the messages of errors are left alone."""

    def __init__(self) -> None:
        self._found: list[Replacement] = []
        self._in_init = False

    def of(self, tree: ast.AST) -> list[Replacement]:
        self.visit(tree)
        return self._found

    def _replace(self, node: ast.expr | ast.stmt, now: str) -> None:
        self._found.append((node, now))

    # ---- Definitions: what is run of them ------------------------------------------------------

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        before, self._in_init = self._in_init, node.name == "__init__"
        for each in (*node.args.defaults, *filter(None, node.args.kw_defaults), *node.body):
            self.visit(each)
        self._in_init = before

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for each in node.body:
            self.visit(each)

    # ---- Statements ----------------------------------------------------------------------------

    def visit_Expr(self, node: ast.Expr) -> None:
        value = node.value.value if isinstance(node.value, ast.Await) else node.value
        if isinstance(value, ast.Constant) or _is_log_line(value):
            return
        if not isinstance(value, ast.Yield | ast.YieldFrom):
            self._replace(node, "pass")
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        names = {target.id for target in node.targets if isinstance(target, ast.Name)}
        if names & _LISTS_OF_NAMES:
            return
        if not names and not self._in_init:  # without a name's first value nothing runs, which proves nothing
            self._replace(node, "pass")
        self.visit(node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None and not (isinstance(node.annotation, ast.Name) and node.annotation.id == "TypeAlias"):
            self.visit(node.value)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self._replace(node, "pass")
        self.visit(node.value)

    def visit_Raise(self, node: ast.Raise) -> None:
        self._replace(node, "pass")

    def visit_Delete(self, node: ast.Delete) -> None:
        self._replace(node, "pass")

    visit_Break = visit_Continue = visit_Delete  # type: ignore[assignment] # noqa: N815

    def visit_Return(self, node: ast.Return) -> None:
        if node.value is None:
            self._replace(node, "pass")
            return
        if not isinstance(node.value, ast.Constant):
            self._replace(node, "return None")
        self.visit(node.value)

    def visit_If(self, node: ast.If | ast.While | ast.IfExp) -> None:
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            return
        self._negate(node.test)
        self.generic_visit(node)

    visit_While = visit_IfExp = visit_If  # noqa: N815

    def visit_Assert(self, node: ast.Assert) -> None:
        """For the type checker."""

    # ---- Expressions ---------------------------------------------------------------------------

    def visit_comprehension(self, node: ast.comprehension) -> None:
        for test in node.ifs:
            self._negate(test)
        self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        for index, operator in enumerate(node.ops):
            ops = [*node.ops[:index], _COMPARISONS[type(operator)](), *node.ops[index + 1 :]]
            self._replace(node, ast.unparse(ast.Compare(node.left, ops, node.comparators)))
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        for dropped in node.values:
            rest = [value for value in node.values if value is not dropped]
            self._replace(node, f"({ast.unparse(ast.BoolOp(node.op, rest) if len(rest) > 1 else rest[0])})")
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.Not):
            self._replace(node, f"bool({ast.unparse(node.operand)})")
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        other = _OPERATORS.get(type(node.op))
        if other is not None and not any(isinstance(side, _TEXTS) for side in (node.left, node.right)):
            self._replace(node, f"({ast.unparse(ast.BinOp(node.left, other(), node.right))})")
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        if (node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")) in _LEFT_ALONE:
            return
        self.generic_visit(node)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """Its parts have no place of their own in the source."""

    def visit_Constant(self, node: ast.Constant) -> None:
        value = node.value
        if isinstance(value, bool):
            self._replace(node, str(not value))
        elif isinstance(value, int | float):
            self._replace(node, repr(value + 1))
        elif isinstance(value, str) and _WORD.fullmatch(value):
            self._replace(node, repr(value + "X"))
        elif isinstance(value, bytes) and value:
            self._replace(node, repr(value + b"X"))

    def _negate(self, test: ast.expr) -> None:
        if not isinstance(test, ast.Compare | ast.UnaryOp):  # these have their opposite already
            self._replace(test, f"not ({ast.unparse(test)})")


_TEXTS = (ast.JoinedStr, ast.List, ast.Tuple, ast.Dict)


def _is_log_line(call: ast.expr) -> bool:
    match call:
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name))):
            return name in _LOGS
    return False
