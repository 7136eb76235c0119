"""The catalogue, written from the document, and the functions of the manual side, held against each other.

Each rule is a function that lists the offences; it finds none in the project, and is shown one that it finds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from bptt_oracle import catalogue
from bptt_oracle.catalogue import CatalogueError, Equation, Reading, equation, equations
from bptt_oracle.conditions import Condition, ConditionError, Term, indices_where
from bptt_oracle.instances import Description
from bptt_oracle.manual import CORRECTED, PRINTED, Quantities, indices, registry
from bptt_oracle.worlds import field_world

Function = Callable[..., Iterator[Any]]
Functions = Mapping[int, Function]

# All widths are 1, so that every product of the print has a value, transposed or not.
NARROW = Description(4, 5, (1,) * 5, seed=1)
SIZES = {"n": NARROW.n, "T": NARROW.T}
SECTIONS = ["1", "2", "3.1.1", "3.1.2", "3.1.3", "3.2", "3.3", "4"]
KEYS = {"number", "section", "kind", "states", "lhs", "symbol", "where", "stated", "lines", "extraction", "corrected"}
LINE_KEYS = {"latex", "one_hot", "source", "cases"}


# ---- the rules


def unpaired(stated: Mapping[int, Equation], printed: Functions, corrected: Functions) -> list[str]:
    """Equations without a function, functions without an equation; likewise for corrections."""
    with_correction = {number for number, entry in stated.items() if entry.corrected is not None}
    return [
        *(f"({number}) has no function" for number in sorted(stated.keys() - printed.keys())),
        *(f"({number}) is not in the catalogue" for number in sorted(printed.keys() - stated.keys())),
        *(f"({number}) has no corrected function" for number in sorted(with_correction - corrected.keys())),
        *(f"({number}) is not corrected in the catalogue" for number in sorted(corrected.keys() - with_correction)),
    ]


def miscounted(entry: Equation, reading: Reading, function: Function, q: Quantities) -> list[str]:
    """Where a function yields more or fewer values than its reading has lines."""
    counts = {
        at: len(list(function(q, *at))) for at in indices_where(indices(function), reading.where, NARROW.n, NARROW.T)
    }
    assert counts, f"({entry.number}) is stated for no index"
    lines = len(reading.lines)
    return [f"({entry.number}) at {at}: {n} for {lines} lines" for at, n in counts.items() if n != lines]


def symbols(*terms: Term) -> set[str]:
    """The indices in some terms: all letters but the sizes n and T."""
    return {part for term in terms for _, part in term.parts if part.isalpha()} - SIZES.keys()


def misnamed(entry: Equation, reading: Reading, function: Function) -> list[str]:
    """The indices that not all of a function's parameters, its ranges and its left-hand side speak of."""
    given = set(indices(function))
    bounded = symbols(*(term for condition in reading.where for term in condition.terms))
    return [
        *(f"({entry.number}): no range for {name}" for name in sorted(given - bounded)),
        *(f"({entry.number}): no parameter {name}" for name in sorted((bounded | symbols(*entry.at)) - given)),
    ]


def untold(number: int, function: Function, *, is_correction: bool) -> list[str]:
    """Whether the first sentence of a docstring does not end with the equation's number."""
    first = re.split(r"\.(?:\s|$)", function.__doc__ or "")[0]
    ending = rf"; \({number}\)" + (r"( corrected)?" if is_correction else "")
    return [] if re.search(rf"{ending}$", first) else [f"{function.__name__}: {first!r}"]


CLOSING = {"{": "}", "(": ")", "[": "]", r"\left(": r"\right)", r"\left[": r"\right]"}


def unbalanced(latex: str) -> list[str]:
    """What is opened and not closed, or closed and not opened, in a piece of LaTeX."""
    awaited: list[str] = []
    for token in re.findall(r"\\(?:left|right)\W|\\(?:begin|end)\{\w+\}|\\.|[{}()\[\]]", latex):
        if token in CLOSING or token.startswith(r"\begin"):
            awaited.append(CLOSING.get(token, token.replace(r"\begin", r"\end")))
            continue
        closes = token in CLOSING.values() or token.startswith((r"\left", r"\right", r"\end"))
        if closes and (not awaited or awaited.pop() != token):
            return [f"{token} closes nothing in {latex}"]
    return [f"no {token} in {latex}" for token in awaited]


def undecided_cases(entry: Equation, reading: Reading, function: Function) -> list[str]:
    """The indices at which not exactly one case of a line with cases applies, and cases that never do."""
    found = []
    for line in reading.lines:
        met = dict.fromkeys(line.cases, 0)
        for at in indices_where(indices(function), reading.where, NARROW.n, NARROW.T):
            values = dict(zip(indices(function), at, strict=True)) | SIZES
            applying = [case for case in line.cases if all(c.holds(values) for c in case)]
            for case in applying:
                met[case] += 1
            if line.cases and len(applying) != 1:
                found.append(f"({entry.number}) at {at}: {len(applying)} cases")
        found += [f"({entry.number}): case never met" for count in met.values() if count == 0]
    return found


def ill_formed(entry: Mapping[str, Any]) -> list[str]:
    """Keys that nothing reads; corrections of no line, that change nothing, or that say nothing."""
    correction = entry.get("corrected", {"lines": {}, "where": None, "change": "-"})
    strange = entry.keys() - KEYS | correction.keys() - {"lines", "where", "change"}
    strange = strange.union(*(line.keys() - LINE_KEYS for line in entry["lines"]))
    printed = {str(number): line["latex"] for number, line in enumerate(entry["lines"], start=1)}
    found = [f"unknown key {key}" for key in sorted(strange)]
    for number, latex in correction.get("lines", {}).items():
        if number not in printed:
            found.append(f"correction of line {number}, which does not exist")
        elif latex == printed[number]:
            found.append(f"correction of line {number}, which changes nothing")
    if "corrected" in entry and not correction.get("lines") and correction.get("where") in (None, entry["where"]):
        found.append("correction of nothing")
    return found + ([] if correction.get("change") else ["a correction without a word on what it changes"])


def readings() -> list[tuple[Equation, Reading, Function]]:
    """Every reading of every equation with its function."""
    return [
        (entry, reading, (PRINTED if reading.variant == "printed" else CORRECTED)[entry.number])
        for entry in equations().values()
        for reading in entry.readings
    ]


@pytest.fixture(scope="module")
def q() -> Quantities:
    """The reference's quantities over the finite field, on a network of width 1."""
    return field_world(NARROW).local()


# ---- the project


def test_there_are_46_equations_in_the_documents_order() -> None:
    assert list(equations()) == list(range(1, 47))
    sections = [entry.section for entry in equations().values()]
    assert sections == sorted(sections, key=SECTIONS.index)
    assert set(sections) == set(SECTIONS)


def test_catalogue_and_functions_have_the_same_numbers() -> None:
    assert unpaired(equations(), PRINTED, CORRECTED) == []


def test_every_function_yields_one_value_for_every_line(q: Quantities) -> None:
    assert [found for reading in readings() for found in miscounted(*reading, q)] == []


def test_indices_have_the_same_names_in_ranges_functions_and_left_hand_sides() -> None:
    assert [found for reading in readings() for found in misnamed(*reading)] == []


def test_every_docstring_names_its_equation() -> None:
    assert [found for n, function in PRINTED.items() for found in untold(n, function, is_correction=False)] == []
    assert [found for n, function in CORRECTED.items() for found in untold(n, function, is_correction=True)] == []


def test_all_latex_is_balanced() -> None:
    texts = [text for entry in equations().values() for text in (entry.lhs, *_latex(entry))]
    assert len(texts) > 150
    assert [found for text in texts for found in unbalanced(text)] == []


def _latex(entry: Equation) -> list[str]:
    return [line.latex for reading in entry.readings for line in reading.lines]


def test_exactly_one_case_of_a_line_applies_at_every_index() -> None:
    assert [found for reading in readings() for found in undecided_cases(*reading)] == []


def test_every_entry_is_well_formed() -> None:
    entries = catalogue._contents()["equation"]
    assert [(entry["number"], found) for entry in entries for found in ill_formed(entry)] == []


def test_a_line_asks_for_one_hot_targets_when_it_speaks_of_the_class_k() -> None:
    for entry in equations().values():
        for reading in entry.readings:
            for line in reading.lines:
                assert line.one_hot == ("_k" in line.latex), f"({entry.number}) line {line.number}"


def test_lines_are_numbered_and_say_where_they_come_from() -> None:
    for entry in equations().values():
        for reading in entry.readings:
            assert [line.number for line in reading.lines] == list(range(1, len(reading.lines) + 1))
            assert {line.source for line in reading.lines} <= {"printed", "reconstructed", "fragment"}
        if any(line.source != "printed" for line in entry.printed.lines):
            assert entry.extraction is not None


# ---- each rule, shown an offence


def test_a_number_without_a_function_is_found() -> None:
    without = {number: function for number, function in PRINTED.items() if number != 12}
    assert unpaired(equations(), without, CORRECTED) == ["(12) has no function"]
    uncorrected = {number: function for number, function in CORRECTED.items() if number != 31}
    assert unpaired(equations(), PRINTED, uncorrected) == ["(31) has no corrected function"]


def test_a_function_without_a_number_is_found() -> None:
    assert unpaired(equations(), {**PRINTED, 47: PRINTED[1]}, CORRECTED) == ["(47) is not in the catalogue"]
    assert unpaired(equations(), PRINTED, {**CORRECTED, 1: PRINTED[1]}) == ["(1) is not corrected in the catalogue"]


def test_a_number_stated_twice_in_code_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^equation \(7\) is already stated by output_error$"):
        registry.equation(7)(PRINTED[8])
    with pytest.raises(ValueError, match=r"^equation \(15\) is already stated by hidden_error_back$"):
        registry.correction(15)(PRINTED[8])


def test_a_number_twice_in_the_catalogue_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = catalogue._contents()["equation"]
    monkeypatch.setattr(catalogue, "_contents", lambda: {"equation": [*entries, entries[6]]})
    with pytest.raises(CatalogueError, match=r"^a number stands twice in the catalogue$"):
        equations.__wrapped__()  # past the cache


@pytest.mark.parametrize("drop", [True, False])
def test_a_line_too_few_or_too_many_is_found(q: Quantities, drop: bool) -> None:
    def changed(q: Quantities, t: int, c: int) -> Iterator[Any]:
        lines = list(PRINTED[10](q, t, c))
        yield from lines[:-1] if drop else [*lines, lines[-1]]

    entry = equation(10)
    assert miscounted(entry, entry.printed, PRINTED[10], q) == []
    found = miscounted(entry, entry.printed, changed, q)
    assert found[0] == f"(10) at (2, 1): {3 if drop else 5} for 4 lines"


def test_an_index_of_another_name_is_found() -> None:
    def renamed(q: Quantities, layer: int, t: int) -> Iterator[Any]:
        yield from PRINTED[12](q, layer, t)

    entry = equation(12)
    assert misnamed(entry, entry.printed, renamed) == ["(12): no range for layer", "(12): no parameter l"]


def test_an_index_of_the_left_hand_side_alone_is_found() -> None:
    entry = replace(equation(7), at=(*equation(7).at, Term.parse("m")))
    assert misnamed(entry, entry.printed, PRINTED[7]) == ["(7): no parameter m"]


@pytest.mark.parametrize("text", [None, "A row; (8).", "A column (7). And more.", "See (6). A column; (7)."])
def test_a_docstring_without_its_number_at_the_end_of_its_first_sentence_is_found(text: str | None) -> None:
    def function(q: Quantities) -> Iterator[Any]:
        yield q

    function.__doc__ = text
    assert untold(7, function, is_correction=False) != []
    function.__doc__ = "A column; (7). And more."
    assert untold(7, function, is_correction=False) == []


@pytest.mark.parametrize(
    "latex",
    [
        r"\frac{1}{T",
        r"h^{(l)(t}",
        r"(a",
        r"a)",
        r"\left( a )",
        r"\left( a \right",
        r"[ h (\epsilon_i)^T",
        r"{(a})",
        r"\begin{cases} a",
        r"\begin{cases} a \end{array}",
    ],
)
def test_latex_that_is_not_balanced_is_found(latex: str) -> None:
    assert unbalanced(latex) != []


def test_cases_that_overlap_leave_a_gap_or_are_never_met_are_found() -> None:
    entry = equation(43)
    [line] = entry.printed.lines

    def with_cases(*cases: str) -> list[str]:
        parsed = tuple(tuple(map(Condition.parse, case.split(","))) for case in cases)
        reading = replace(entry.printed, lines=(replace(line, cases=parsed),))
        return undecided_cases(entry, reading, PRINTED[43])

    assert with_cases("t = T", "t < T, l = n-1", "t < T, l < n-1") == []
    assert with_cases("t = T", "l = n-1", "t < T, l < n-1") == ["(43) at (3, 5): 2 cases"]
    assert with_cases("t < T", "t = T, l < n-1") == ["(43) at (3, 5): 0 cases"]
    assert with_cases("t <= T", "l = n") == ["(43): case never met"]


def test_entries_that_are_not_well_formed_are_found() -> None:
    good = next(entry for entry in catalogue._contents()["equation"] if entry["number"] == 6)
    fix = good["corrected"]
    assert ill_formed(good | {"extracted": "x"}) == ["unknown key extracted"]
    assert ill_formed(good | {"lines": [*good["lines"], {"latex": "a", "onehot": True}]}) == ["unknown key onehot"]
    assert ill_formed(good | {"corrected": fix | {"lines": fix["lines"] | {"4": "a"}}}) == [
        "correction of line 4, which does not exist"
    ]
    assert ill_formed(good | {"corrected": fix | {"lines": {"2": good["lines"][1]["latex"]}}}) == [
        "correction of line 2, which changes nothing"
    ]
    assert ill_formed(good | {"corrected": {"change": "a", "where": good["where"]}}) == ["correction of nothing"]
    assert ill_formed(good | {"corrected": {"lines": fix["lines"]}}) == [
        "a correction without a word on what it changes"
    ]


def test_what_the_catalogue_does_not_hold_is_refused() -> None:
    with pytest.raises(CatalogueError, match=r"^expected the number of an equation, 1\.\.46, but got 47$"):
        equation(47)
    with pytest.raises(CatalogueError, match=r"^equation \(7\): there is no corrected reading$"):
        equation(7).reading("corrected")
    with pytest.raises(CatalogueError, match=r"^equation \(7\): expected a symbol such as z\(l,t\), got 'z'$"):
        catalogue._equation({"number": 7, "symbol": "z", "lines": [], "where": []})
    with pytest.raises(CatalogueError, match=r"^equation \(7\): stated, but not in where: \['t = T'\]$"):
        catalogue._equation({"number": 7, "symbol": "z(l,t)", "lines": [], "where": [], "stated": ["t = T"]})


# ---- conditions


@pytest.mark.parametrize(
    ("text", "value"),
    [("t", 5), ("7", 7), ("t-c+1", 4), ("n-1", 2), ("-t", -5), (" T - 1 ", 8), ("1-c", -1), ("10", 10)],
)
def test_a_term_is_the_sum_of_its_parts(text: str, value: int) -> None:
    assert Term.parse(text).at({"t": 5, "c": 2, "n": 3, "T": 9}) == value


@pytest.mark.parametrize("text", ["", " ", "t-", "t*2", "2t", "t+-1", "(t)", "t_1"])
def test_what_is_no_term_is_refused(text: str) -> None:
    with pytest.raises(ConditionError) as raised:
        Term.parse(text)
    assert str(raised.value) == f"expected a sum of symbols and numbers such as t-c+1, but got {text!r}"


@pytest.mark.parametrize(
    ("text", "holding"),
    [
        ("1 <= t", [1, 2, 3, 4]),
        ("1 < t", [2, 3, 4]),
        ("t = T-1", [3]),
        ("1 < t < T", [2, 3]),
        ("1 <= t <= T", [1, 2, 3, 4]),
        ("t < T-1, 0", None),
        ("0 <= t < T-2", [0, 1]),
    ],
)
def test_a_condition_is_a_chain_of_comparisons(text: str, holding: list[int] | None) -> None:
    if holding is None:
        with pytest.raises(ConditionError):
            Condition.parse(text)
    else:
        condition = Condition.parse(text)
        assert [t for t in range(5) if condition.holds({"t": t, "T": 4})] == holding


@pytest.mark.parametrize("text", ["t", "", "t > 1", "t != 1"])
def test_what_compares_nothing_known_is_refused(text: str) -> None:
    with pytest.raises(ConditionError):
        Condition.parse(text)
    if "=" not in text:
        with pytest.raises(ConditionError, match=r"^expected a comparison with <=, < or =, but got "):
            Condition.parse(text)


def test_indices_meet_every_condition_and_come_in_order() -> None:
    where = tuple(map(Condition.parse, ("1 <= l <= n-2", "1 <= t <= T", "1 <= c < t")))
    assert indices_where(("l", "t", "c"), where, 3, 3) == ((1, 2, 1), (1, 3, 1), (1, 3, 2))
    assert indices_where(("l", "t", "c"), where, 2, 3) == ()
    assert indices_where((), (), 1, 1) == ((),)
    assert indices_where((), (Condition.parse("2 <= n"),), 1, 1) == ()
