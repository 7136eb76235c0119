"""No comparison rests on a tolerance that somebody chose.

Equality over the field is exact, enclosures overlap or do not, and a float keeps a bound that is derived. So the code
that compares has no function that compares roughly, no argument that is a tolerance, and no small number but those
that are listed here, each with its reason.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = (
    "bptt_oracle",
    *(
        f"bptt_oracle/{folder}"
        for folder in ("arithmetic", "bench", "campaign", "claims", "oracle", "oracle/measuring", "report")
    ),
    "tests",
)

ROUGH = {
    *("allclose", "isclose", "approx", "assert_allclose", "assert_almost_equal", "assert_approx_equal"),
    *("assert_array_almost_equal", "assert_array_almost_equal_nulp", "assert_array_max_ulp", "assertAlmostEqual"),
    *("check_grads", "gradcheck", "almost_equal"),
}
TOLERANCES = {"rtol", "atol", "rel_tol", "abs_tol", "tol", "tolerance"}

LEAST = {False: 1 / 500, True: 1 / 50}
"""Below what a number is small: anywhere, and in a comparison by order."""

DECLARED = {
    ("bptt_oracle/bench/check_with_jax.py", "check_grads"): "a tool that is timed and scored, in JAX",
    ("bptt_oracle/bench/check_with_torch.py", "gradcheck"): "a tool that is timed and scored, in torch",
    ("bptt_oracle/bench/differences.py", "check_grads"): "a tool that is timed and scored, in JAX",
    ("bptt_oracle/bench/checks.py", "1e-5"): "the step of a tool that is timed, central differences",
    ("bptt_oracle/bench/grid.py", "8e-6"): "about how many seconds a step takes, to plan a run",
    ("bptt_oracle/bench/timing.py", "1e-6"): "seconds below which nothing is timed",
    ("bptt_oracle/bench/words.py", "1e-3"): "a millisecond",
    ("bptt_oracle/bench/words.py", "1e-6"): "a microsecond",
    ("tests/test_oracle_score.py", "check_grads"): "the name of a tool that is scored, in JAX",
    ("tests/test_oracle_score.py", "0.01"): "how seldom a name may be wrong",
    ("bptt_oracle/worlds.py", "1e-40"): "how narrow enclosures must be before an overlap counts: narrower is stricter",
    ("bptt_oracle/arithmetic/rounded.py", "2.0**-50"): "rounding of the bounds themselves, derived in the module",
    ("tests/test_wrong_readings.py", "1e-13"): "the size of an error that is planted, which must be caught",
    ("tests/test_jaxprs.py", "1e-14"): "the size of an error that is planted, which must be caught",
    ("tests/test_arithmetic_balls.py", "1e-25"): "the radius of a ball that is made",
    ("tests/test_counterexamples.py", "1e-9"): "a number to be printed",
    ("tests/test_arithmetic_rounded.py", "5e-324"): "the smallest float64",
    ("tests/test_arithmetic_rounded.py", "1e-3"): "the range of arguments drawn",
    ("tests/test_arithmetic_rounded.py", "1e-15"): "how sharp a bound has to be, above the bound's own value",
    ("tests/test_arithmetic_rounded.py", "2.0**-40"): "how sharp a bound has to be, above the bound's own value",
    ("tests/test_reference_padded.py", "1e-12"): "how sharp the bounds have to be, relative to the gradients",
}
"""Small numbers that are no tolerance, by file and text, with the reason."""


def comparing() -> Iterator[Path]:
    """The modules that compare, and what they compare with."""
    for folder in FOLDERS:
        yield from sorted((ROOT / folder).glob("*.py"))


def found_in(source: str) -> Iterator[tuple[int, str]]:
    """Line and text of everything in a module that is rough, a tolerance or a small number.

    Small is a number below `LEAST`; and a power with a negative exponent, if something is held against it by order.
    """
    tree = ast.parse(source)
    ordered = {id(inside) for node in ast.walk(tree) if is_order(node) for inside in ast.walk(node)}
    for node in ast.walk(tree):
        name = name_of(node)
        if name in ROUGH or name.lower() in TOLERANCES:
            yield getattr(node, "lineno", 0), name
        elif small(node, is_ordered=id(node) in ordered):
            yield getattr(node, "lineno", 0), ast.get_source_segment(source, node) or ""


def is_order(node: ast.AST) -> bool:
    """Whether a node compares by order; to equal a small number is no tolerance."""
    return isinstance(node, ast.Compare) and any(isinstance(op, ast.Lt | ast.LtE | ast.Gt | ast.GtE) for op in node.ops)


def name_of(node: ast.AST) -> str:
    """The last part of the name that a node uses, imports, defines or gives to an argument."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.alias(name=name) | ast.FunctionDef(name=name):
            return name.rsplit(".", 1)[-1]
        case ast.keyword(arg=str(name)) | ast.arg(arg=name):
            return name
    return ""


def small(node: ast.AST, *, is_ordered: bool) -> bool:
    """Whether a node is a small number."""
    match node:
        case ast.Constant(value=float(value)):
            return 0 < value < LEAST[is_ordered]
        case ast.BinOp(op=ast.Pow(), right=ast.UnaryOp(op=ast.USub())):
            return is_ordered
    return False


def test_no_comparison_rests_on_a_tolerance() -> None:
    undeclared = [
        f"{path.relative_to(ROOT)}:{line}: {text}"
        for path in comparing()
        for line, text in found_in(path.read_text(encoding="utf-8"))
        if (str(path.relative_to(ROOT)), text) not in DECLARED
    ]
    assert undeclared == []


def test_every_declared_number_is_still_there() -> None:
    present = {
        (str(path.relative_to(ROOT)), text)
        for path in comparing()
        for _, text in found_in(path.read_text(encoding="utf-8"))
    }
    assert DECLARED.keys() - present == set()


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("assert np.allclose(a, b)", "allclose"),
        ("from math import isclose", "isclose"),
        ("assert a == pytest.approx(b)", "approx"),
        ("np.testing.assert_allclose(a, b)", "assert_allclose"),
        ("close(a, b, rtol=0.1)", "rtol"),
        ("close(a, b, abs_tol=0.1)", "abs_tol"),
        ("def close(a, b, tolerance): ...", "tolerance"),
        ("TOLERANCE = 3", "TOLERANCE"),
        ("assert abs(a - b) < 1e-9", "1e-9"),
        ("assert abs(a - b) <= 1E-9 * scale", "1E-9"),
        ("CLOSE = 2.5e-7", "2.5e-7"),
        ("assert abs(a - b) < 0.00001", "0.00001"),
        ("assert abs(a - b) < 10 ** -9", "10 ** -9"),
        ("assert abs(a - b) < 2.0**-40 * scale", "2.0**-40"),
    ],
)
def test_a_planted_tolerance_is_found(source: str, text: str) -> None:
    assert [found for _, found in found_in(source)] == [text]


@pytest.mark.parametrize(
    "source",
    [
        "assert (a == b).all()",
        "assert used(computed, bounds).max() <= 1",
        "assert overlap(a, b).all()",
        "assert 1.9 < rate < 2.1",
        "u = 2.0**-53",
        "assert third == 2.0**-7",
        "tolerated = 'rtol=1e-9'",
    ],
)
def test_exact_enclosed_and_derived_comparisons_pass(source: str) -> None:
    assert list(found_in(source)) == []
