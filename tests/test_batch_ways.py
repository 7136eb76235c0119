"""Every way through a batch gives the same gradients: layer by layer, along diagonals, in segments, of classes."""

import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from batches import Case, Named, case, differing, expected, found_by, named, over_balls, over_field

from bptt_oracle.arithmetic import balls, field
from bptt_oracle.floating import BITS
from bptt_oracle.instances import Description, draw
from bptt_oracle.manual import (
    ACTIVATIONS,
    Batch,
    Elementwise,
    forward_batch,
    gradients_in_segments,
    one_pass,
    one_pass_batch,
)
from bptt_oracle.manual.output import BLOCK as OUTPUT_BLOCK
from bptt_oracle.manual.output import PIECE
from bptt_oracle.manual.propagation import ALONG_DIAGONALS, LAYER_BY_LAYER, Way, fastest
from bptt_oracle.manual.recurrence import BLOCK
from bptt_oracle.oracle.bounds import bounds_of
from bptt_oracle.oracle.smoothness import smoothness_of
from bptt_oracle.worlds import enclosures_overlap, exactly_equal

WAYS = {"layer by layer": LAYER_BY_LAYER, "along diagonals": ALONG_DIAGONALS}

SHAPES = [
    ((2, 3), 4, 2),
    ((3, 4, 5), 4, 1),
    ((3, 2, 4), 1, 3),
    ((2, 5, 3, 4), 3, 3),
    ((3, 2, 4, 3, 2), 5, 2),
    ((2, 3, 1, 2, 4, 3), 3, 1),
    ((2, 3, 1, 4, 2, 1, 3), 2, 2),
    ((2, 2, 3, 1, 2, 2, 3), 9, 1),
]
"""Widths, T and B: n from 1 to 6, fewer steps than layers and more, one sequence and some."""

ways = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
shapes = pytest.mark.parametrize(("d", "T", "B"), SHAPES)


def in_segments(net: Batch, way: Way | None, length: int | None = None, recompute: bool = True) -> Named:
    """J and its gradients, segment by segment."""
    found = gradients_in_segments(net, length, recompute=recompute, inputs=True, way=way)
    assert found.x is not None
    return {
        "J": np.array([found.loss]),
        **{f"H^({l})": a for l, a in found.H.items()},
        **{f"W^({l})": a for l, a in found.W.items()},
        **{f"b^({l})": a for l, a in found.b.items()},
        **{f"h^({l})(0)": a for l, a in found.h0.items()},
        **{f"x^({t})": a for t, a in enumerate(found.x, start=1)},
    }


def along(net: Batch, way: Way) -> Named:
    """J and its gradients, one way."""
    return found_by(net, lambda net, run: one_pass_batch(net, run, way), lambda net: forward_batch(net, way))


# --------------------------------------------------------------------------------------------------- over the field


@ways
@shapes
def test_every_way_gives_the_gradients_of_each_sequence_exactly(way: Way, d: tuple[int, ...], T: int, B: int) -> None:
    of = over_field(d, T, B, 1)
    assert differing(along(of.batch, way), expected(of), exactly_equal) == []


@ways
@shapes
@pytest.mark.parametrize("length", [1, 2, None])
def test_segments_give_the_gradients_of_each_sequence_exactly(
    way: Way, d: tuple[int, ...], T: int, B: int, length: int | None
) -> None:
    of = over_field(d, T, B, 2)
    truth = expected(of)
    for recompute in (True, False):
        assert differing(in_segments(of.batch, way, length, recompute), truth, exactly_equal) == []


@ways
@shapes
def test_a_slope_that_is_any_function_of_h_gives_the_same_gradients_exactly(
    way: Way, d: tuple[int, ...], T: int, B: int
) -> None:
    of, phi = over_field(d, T, B, 3), field.Oracle(3, "phi")
    f = of.batch.functions.f.function
    functions = replace(of.batch.functions, f=Elementwise(f, lambda z: phi(f(z)), slope=phi))
    with_slope = replace(of, batch=replace(of.batch, functions=functions))
    plain = replace(of, sequences=[replace(net, functions=functions) for net in of.sequences])
    truth = expected(plain)
    assert differing(along(with_slope.batch, way), truth, exactly_equal) == []
    assert differing(in_segments(with_slope.batch, way), truth, exactly_equal) == []
    another = replace(functions, f=replace(functions.f, slope=field.Oracle(4, "phi")))
    if len(d) > 2:
        assert differing(along(replace(of.batch, functions=another), way), truth, exactly_equal) != []


@pytest.mark.parametrize(("d", "T", "B"), SHAPES[:5])
def test_classes_are_targets_of_ones_and_zeros_exactly(d: tuple[int, ...], T: int, B: int) -> None:
    net = over_field(d, T, B, 4).batch
    classes = np.random.default_rng(4).integers(0, d[-1], (T, B))
    one_hot = field.to_field(np.eye(d[-1], dtype=int)[classes])
    truth = found_by(replace(net, y=one_hot))
    assert differing(found_by(replace(net, y=classes)), truth, exactly_equal) == []
    assert differing(in_segments(replace(net, y=classes), None), truth, exactly_equal) == []
    assert differing(found_by(replace(net, y=(classes + 1) % d[-1])), truth, exactly_equal) != []


def test_output_in_many_blocks_gives_the_same_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    of = over_field((2, 3, 5), 4, 2, 5)
    truth = expected(of)
    for block, piece in product((1, 100), (1, 48)):  # bytes: a row at a time, and two
        monkeypatch.setattr("bptt_oracle.manual.output.BLOCK", block)
        monkeypatch.setattr("bptt_oracle.manual.output.PIECE", piece)
        assert differing(found_by(of.batch), truth, exactly_equal) == []
        assert differing(in_segments(of.batch, None, 3), truth, exactly_equal) == []


def test_slopes_in_many_blocks_give_the_same_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    of = over_field((2, 3, 4, 2), 7, 2, 6)
    for block in (1, 100):
        monkeypatch.setattr("bptt_oracle.manual.recurrence.BLOCK", block)
        assert differing(along(of.batch, LAYER_BY_LAYER), expected(of), exactly_equal) == []


# ---------------------------------------------------------------------------------------- what is wrong is noticed

MISTAKES: dict[str, Callable[[Batch], Batch]] = {
    "H without its transpose": lambda net: replace(net, H={l: H.T for l, H in net.H.items()}),
    "W without its transpose": lambda net: replace(net, W={**net.W, 2: net.W[2].T}),
    "h(0) of zero": lambda net: replace(net, h0={l: h * 0 for l, h in net.h0.items()}),
    "f' of something else": lambda net: replace(
        net, functions=replace(net.functions, f=replace(net.functions.f, derivative=field.Oracle(1, "g")))
    ),
    "weights reversed": lambda net: replace(net, weights=net.weights[::-1]),
    "sequences exchanged": lambda net: replace(net, shares=net.shares[::-1]),
}


@ways
@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_a_planted_mistake_is_noticed_on_every_way(way: Way, mistake: Callable[[Batch], Batch]) -> None:
    of = over_field((3, 3, 3, 3), 4, 2, 6)
    truth = expected(of)
    assert differing(along(mistake(of.batch), way), truth, exactly_equal) != []
    assert differing(in_segments(mistake(of.batch), way), truth, exactly_equal) != []


def test_gamma_that_does_not_reach_the_segment_before_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    of = over_field((2, 3, 3), 4, 2, 7)
    alone = Way(LAYER_BY_LAYER.states, lambda net, h, arriving, after: LAYER_BY_LAYER.gammas(net, h, arriving, {}))
    assert "H^(1)" in differing(in_segments(of.batch, alone), expected(of), exactly_equal)


# ------------------------------------------------------------------------------------------------- the named slopes


def test_which_activations_have_a_slope() -> None:
    assert {name for name, f in ACTIVATIONS.items() if f.slope is not None} == {"tanh", "logistic", "relu"}


@pytest.mark.parametrize("name", ["tanh", "logistic", "relu"])
def test_a_slope_is_the_derivative_over_balls(name: str) -> None:
    f = ACTIVATIONS[name]
    assert f.slope is not None
    with balls.precision(BITS):
        z = balls.to_balls(np.random.default_rng(1).standard_normal(50) * 3)
        assert enclosures_overlap(f.slope(f(z)), f.derivative(z))
        assert (
            not enclosures_overlap(f.slope(z), f.derivative(z)) or name == "relu"
        )  # of z for h, of which relu has both


@ways
@pytest.mark.parametrize("f", ["tanh", "logistic", "softplus", "sine", "relu"])
def test_every_way_overlaps_each_sequence_over_balls(way: Way, f: str) -> None:
    with balls.precision(BITS):
        of = over_balls((2, 3, 2, 3), 3, 2, f, "ordinary")
        assert differing(along(of.batch, way), expected(of), enclosures_overlap) == []
        assert differing(in_segments(of.batch, way), expected(of), enclosures_overlap) == []


# -------------------------------------------------------------------------------------------------------- in floats


def of_type(net: Batch, dtype: Any) -> Batch:
    """The network in another format."""
    layers: dict[str, Any] = {
        name: {l: a.astype(dtype) for l, a in getattr(net, name).items()} for name in ("H", "W", "b", "h0")
    }
    return replace(
        net, **layers, **{name: getattr(net, name).astype(dtype) for name in ("x", "y", "weights", "shares")}
    )


def floats(d: tuple[int, ...], T: int, B: int, scale: str, f: str = "tanh") -> Case:
    """A batch whose numbers, but for the weights 1 / T and 1 / B, float32 holds."""
    rng = np.random.default_rng([T, B, *d])
    return case(
        draw(Description(len(d) - 1, T, d, f=f, scale=scale)).network(np.float64),
        B,
        lambda *shape: rng.standard_normal(shape).astype(np.float32).astype(np.float64),
        np.full(T, 1 / T),
        np.full(B, 1 / B),
    )


def plain(of: Case) -> Named:
    """J and its gradients in the parameters, by the plain one pass over each sequence."""
    alone = [named(one_pass(net)) for net in of.sequences]
    return {name: sum(one[name] for one in alone) / len(alone) for name in alone[0] if name[0] in "JHWb"}


def outside(found: Named, truth: Named, bounds: Any) -> list[str]:
    """The names of what is further from the truth than a right program can be."""
    bound = {
        "J": np.array([bounds.loss]),
        **{f"{name}^({l})": a for name in ("H", "W", "b") for l, a in getattr(bounds, name).items()},
    }
    return [name for name in bound if not (abs(found[name] - truth[name]) <= bound[name]).all()]


@ways
@pytest.mark.parametrize(("d", "T", "B"), [((3, 4, 5), 6, 1), ((2, 5, 3, 4), 12, 3), ((3, 2, 4, 3, 2), 20, 1)])
@pytest.mark.parametrize(
    ("f", "scale", "dtype"),
    [
        *product(["tanh", "logistic", "softplus"], ["tiny", "ordinary"], ["float64", "float32"]),
        *product(
            ["tanh", "logistic"], ["saturated"], ["float64"]
        ),  # elsewhere nothing bounds a chaotic network's errors
    ],
)
def test_every_way_is_within_the_bounds_of_a_right_program(
    way: Way, d: tuple[int, ...], T: int, B: int, f: str, scale: str, dtype: str
) -> None:
    of = floats(d, T, B, scale, f)
    net, truth = of.batch, plain(of)
    bounds = bounds_of(net, forward_batch(net), smoothness_of(f), dtype)
    assert np.isfinite(bounds.loss)
    low = of_type(net, dtype)
    for found in (along(low, way), in_segments(low, way)):
        assert outside(found, truth, bounds) == []
    wrong = along(replace(low, h0={l: h + 1 for l, h in low.h0.items()}), way)
    assert outside(wrong, truth, bounds) != []


@ways
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_results_have_the_type_of_the_network(way: Way, dtype: Any) -> None:
    net = of_type(floats((2, 3, 4, 3), 5, 2, "ordinary").batch, dtype)
    classes = replace(net, y=net.y.argmax(axis=-1))
    for found in (along(net, way), in_segments(net, way), along(classes, way), in_segments(classes, way)):
        assert {array.dtype for array in found.values()} == {np.dtype(dtype)}


def test_numbers_of_two_types_take_the_wider_one() -> None:
    net = floats((2, 3, 3), 4, 2, "ordinary").batch
    mixed = replace(net, H={l: H.astype(np.float32) for l, H in net.H.items()})
    found, truth = found_by(mixed), found_by(of_type(mixed, np.float64))
    assert all((found[name] == truth[name]).all() and found[name].dtype == np.float64 for name in truth)


@ways
@pytest.mark.parametrize("length", [1, 4, None])
def test_states_worked_out_anew_give_the_same_bit_for_bit(way: Way, length: int | None) -> None:
    for B, dtype in product((1, 3), (np.float64, np.float32)):
        net = of_type(floats((5, 17, 9, 6), 50, B, "ordinary").batch, dtype)
        kept, anew = (in_segments(net, way, length, recompute) for recompute in (False, True))
        assert all(kept[name].tobytes() == anew[name].tobytes() for name in anew)


# ------------------------------------------------------------------------------------------------------------- memory

WIDTHS, V = (16, 24), 7


def batch_of_length(T: int, B: int) -> Batch:
    """A batch of two hidden layers, in float64."""
    rng = np.random.default_rng(T)
    d = (5, *WIDTHS, V)
    return Batch(
        H={l: rng.standard_normal((d[l], d[l])) / 4 for l in (1, 2)},
        W={l: rng.standard_normal((d[l], d[l - 1])) / 4 for l in (1, 2, 3)},
        b={l: rng.standard_normal(d[l]) for l in (1, 2, 3)},
        x=rng.standard_normal((T, B, d[0])),
        y=rng.integers(0, V, (T, B)),
        h0={l: np.zeros((B, d[l])) for l in (1, 2)},
        weights=np.full(T, 1 / T),
        shares=np.full(B, 1 / B),
    )


def peak_of(call: Callable[[], Any]) -> int:
    """The most bytes that a call holds at a time."""
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


NUMBER = 8
"""Bytes of a float64."""

SMALL = 4 * BLOCK + 4 * PIECE + 2**17
"""Bytes that grow with nothing: a block of slopes and a piece of the output with their temporaries, and objects."""


def test_memory_is_the_steps_times_the_widths_of_h_and_gamma() -> None:
    T, B = 4000, 8
    net = batch_of_length(T, B)
    rows = (T + 1) * B
    h_and_gamma, errors = 2 * rows * sum(WIDTHS) * NUMBER, min(OUTPUT_BLOCK, rows * V * NUMBER)
    row_wise = 4 * rows * NUMBER  # what each J^(t) is, how much it counts, and which row has it
    peak = peak_of(lambda: gradients_in_segments(net, T, recompute=False, way=LAYER_BY_LAYER))
    assert h_and_gamma < peak < h_and_gamma + errors + row_wise + SMALL
    pair = peak_of(lambda: one_pass_batch(net, forward_batch(net, LAYER_BY_LAYER), LAYER_BY_LAYER))
    y_hat = rows * V * NUMBER
    assert h_and_gamma + y_hat < pair < h_and_gamma + y_hat + errors + row_wise + SMALL


def test_memory_along_diagonals_is_the_steps_times_the_widths_of_h_gamma_and_slope() -> None:
    T, B = 4000, 1
    net = batch_of_length(T, B)
    rows = (T + net.n) * B
    diagonals, temporary = 3 * rows * sum(WIDTHS) * NUMBER, 3 * rows * max(WIDTHS) * NUMBER
    peak = peak_of(lambda: gradients_in_segments(net, T, recompute=False, way=ALONG_DIAGONALS))
    assert diagonals < peak < diagonals + temporary + 4 * rows * NUMBER + SMALL


@ways
def test_memory_of_segments_grows_as_the_root_of_the_steps(way: Way) -> None:
    B = 8

    def peak(T: int) -> int:
        net = batch_of_length(T, B)
        return peak_of(lambda: gradients_in_segments(net, way=way))

    assert peak(16 * 400) < 4 * peak(400)
    T = 10_000
    states = T * B * sum(WIDTHS) * NUMBER
    assert peak(T) < states / 10


# ------------------------------------------------------------------------------------------------- which way is taken


@pytest.mark.parametrize(
    ("d", "B", "dtype", "way"),
    [
        ((3, 8, 8, 8, 3), 1, np.float64, ALONG_DIAGONALS),
        ((3, 8, 8, 8, 3), 2, np.float64, LAYER_BY_LAYER),
        ((3, 8, 3), 1, np.float64, LAYER_BY_LAYER),
        ((3, 54, 54, 3), 1, np.float64, ALONG_DIAGONALS),
        ((3, 56, 56, 3), 1, np.float64, LAYER_BY_LAYER),
        ((3, 56, 56, 3), 1, np.float32, ALONG_DIAGONALS),
        ((3, 80, 80, 3), 1, np.float32, LAYER_BY_LAYER),
    ],
)
def test_small_deep_networks_with_one_sequence_go_along_diagonals(
    d: tuple[int, ...], B: int, dtype: Any, way: Way
) -> None:
    assert fastest(of_type(floats(d, 1, B, "ordinary").batch, dtype)) is way
