"""Whether the implementation under test gives the gradients that JAX derives, of one instance in one arithmetic.

* padded: float64, a batch at once, against JAX's padded program (`batches`);
* field, balls: exactly, or in enclosures; besides, every line of all 46 equations in its right reading;
* float64, float32, bfloat16, float16: in the format, against the true gradients, inside bounds derived for each entry.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import lru_cache, partial
from importlib import import_module
from typing import Any

import numpy as np

from ..arithmetic import balls
from ..arithmetic.errors import FieldZeroDivisionError, RefusalError
from ..arithmetic.formats import FORMATS
from ..arithmetic.rounded import errors, to_rounded, used
from ..batches import REFUSED, Part, as_reference, by_hand, judgements, leaves
from ..certificates import disagreements
from ..checking import compare_all, tally
from ..evidence import PRECISIONS
from ..floating import BITS, around, network_in
from ..instances import Description, DescriptionError, Instance, draw
from ..jaxprs import evaluate
from ..manual import Gradients, Network
from ..reference import output, quantities
from ..worlds import World, ball_world, field_world, plain_arrays
from .errors import CampaignError
from .found import Judgement
from .plan import ON_THE_PLATFORM, SIZES
from .platform import digits_of

Gradient = Callable[[Network], Gradients]

BATCH = 256
"""Of padded networks: one compiled program."""

LISTED = 3
"""How many failing lines of equations are named."""


@lru_cache
def gradient_named(name: str) -> Gradient:
    """The function that "module:function" names.

    Raises
    ------
    CampaignError
        If there is none.
    """
    module, _, function = name.partition(":")
    try:
        found: Gradient = getattr(import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise CampaignError(f"expected module:function of a gradient, but got {name!r}: {error}") from error
    return found


def judge_all(
    arithmetic: str, descriptions: Sequence[Description], gradient: Gradient, part: Part = nullcontext
) -> list[Judgement]:
    """What each instance says; `part` is entered around drawing and the implementation under test, as "manual"."""
    if arithmetic == "padded":
        order = sorted(range(len(descriptions)), key=lambda i: descriptions[i].T)  # a batch costs what its longest does
        found: dict[int, Judgement] = {}
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            found |= zip(batch, _padded([descriptions[i] for i in batch], gradient, part), strict=True)
        return [found[i] for i in range(len(descriptions))]
    if arithmetic == ON_THE_PLATFORM:
        return [Judgement("verified", digits=digits) for digits in digits_of(descriptions)]
    judge = {"field": _field, "balls": _balls}.get(arithmetic) or partial(_in_format, arithmetic)
    return [judge(description, gradient, part) for description in descriptions]


def certificate(arithmetic: str, description: Description) -> str:
    """The name of an instance, which `judge_named` reads."""
    return f"{arithmetic}:{description}"


def judge_named(name: str, gradient: Gradient) -> Judgement:
    """What the instance of a certificate says.

    Raises
    ------
    DescriptionError
        If the certificate cannot be read.
    """
    arithmetic, description = read_certificate(name)
    [judgement] = judge_all(arithmetic, [description], gradient)
    return judgement


def read_certificate(name: str) -> tuple[str, Description]:
    """The arithmetic and the description of a certificate; DescriptionError if it is none."""
    arithmetic, _, text = name.partition(":")
    if arithmetic not in SIZES:
        raise DescriptionError(
            f"expected an arithmetic among {', '.join(SIZES)} and a description, such as "
            f"float32:n=2,T=3,d=1.2.3,seed=0, but got {name!r}"
        )
    return arithmetic, Description.parse(text)


# ------------------------------------------------------------------------------------------------------- padded


def _padded(descriptions: Sequence[Description], gradient: Gradient, part: Part) -> list[Judgement]:
    with part("manual"):
        instances = [draw(description) for description in descriptions]
    return [
        Judgement(
            "verified" if found.how not in REFUSED else "undecided" if found.how == "undecided" else "failed",
            _size(instance),
            {"manual and JAX": found.share},
            found.why or (_too_large(found.share) if found.how in REFUSED else ""),
        )
        for instance, found in zip(instances, judgements(instances, BATCH, part, gradient), strict=True)
    ]


def _too_large(share: float) -> str:
    return f"the largest difference from JAX is {share:.3g} times what both bounds allow"


def _size(instance: Instance) -> int:
    """How many numbers the gradients have."""
    arrays = [array for layer in instance.params for array in layer.values()]
    return sum(array.size for array in (*arrays, *instance.h0, instance.x))


# -------------------------------------------------------------------------------------------------------- exact


def _field(description: Description, gradient: Gradient, part: Part) -> Judgement:
    """Over a field drawing counts with JAX's side: elements take no time beside it."""
    try:
        return _exact(field_world(description), gradient, part)
    except FieldZeroDivisionError as error:
        return Judgement("undecided", why=str(error))


def _balls(description: Description, gradient: Gradient, part: Part) -> Judgement:
    refusal = None
    for bits in PRECISIONS:
        with balls.precision(bits):
            try:
                with part("manual"):
                    instance = draw(description)
                return _exact(ball_world(instance), gradient, part)
            except RefusalError as error:
                refusal = error
    return Judgement("undecided", why=str(refusal))


def _exact(world: World, gradient: Gradient, part: Part) -> Judgement:
    """The gradients, and every line of every equation, over a world's elements."""
    tallies = tally(world, compare_all(world))
    wrong = disagreements(tallies)
    comparisons = sum(counted.comparisons for counted in tallies.values())
    try:
        with part("manual"):
            found = gradient(world.network)
    except (RefusalError, FieldZeroDivisionError):
        raise
    except Exception as error:
        return Judgement("failed", comparisons, why=_raised(error))
    for name, layers in (("H", found.H), ("W", found.W), ("b", found.b)):
        for l in world.network.W if name != "H" else world.network.H:
            truth = world.truth.find(f"grad_{name}", (l,))
            comparisons += truth.size
            if l not in layers or layers[l].shape != truth.shape or not world.agree(layers[l], truth):
                wrong.append(f"the gradient of {name}^({l})")
    return Judgement("failed" if wrong else "verified", comparisons, why=_differ(wrong))


def _differ(wrong: Sequence[str]) -> str:
    more = f" and {len(wrong) - LISTED} more" if len(wrong) > LISTED else ""
    return f"differ from JAX: {', '.join(wrong[:LISTED])}{more}" if wrong else ""


def _raised(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


# ----------------------------------------------------------------------------------------------------- floating


def _in_format(name: str, description: Description, gradient: Gradient, part: Part) -> Judgement:
    """The gradients in a format against the true ones, inside the bounds of the operations that give them."""
    format = FORMATS[name]
    with part("manual"):
        instance = draw(description)
        network = network_in(instance, name)
    with balls.precision(BITS):
        try:
            true = _true_gradients(instance, name)
        except RefusalError as error:
            return Judgement("undecided", why=str(error))
        try:
            bounding = network.over(lambda array: to_rounded(np.asarray(array), format), instance.functions())
            with np.errstate(all="ignore"):  # what overflows lies outside its bound, or has none
                with part("manual"):
                    found = leaves(by_hand(network, gradient))
                bounds = leaves(by_hand(bounding, gradient))
            if [array.shape for array in found] != [array.shape for array in true]:
                return Judgement("failed", why="the gradients have other shapes than the network")
            bounded = [around(truth, bound, format) for truth, bound in zip(true, bounds, strict=True)]
            shares = [used(computed, bound) for computed, bound in zip(found, bounded, strict=True)]
        except RefusalError as error:
            return Judgement("undecided", why=str(error))
        except Exception as error:
            return Judgement("failed", why=_raised(error))
    comparisons, largest = sum(share.size for share in shares), max(float(share.max()) for share in shares)
    if largest > 1:
        why = f"the largest error is {largest:.3g} times its bound"
        return Judgement("failed", comparisons, {"manual": largest}, why)
    if not all(np.isfinite(errors(bound)).all() for bound in bounded):
        return Judgement("undecided", why="no finite bound is proved")
    return Judgement("verified", comparisons, {"manual": largest})


def _true_gradients(instance: Instance, name: str) -> list[Any]:
    """The true gradients of an instance whose numbers a format holds, from JAX's program, by leaf; balls."""
    i = as_reference(instance)
    traced = quantities.trace(i.f, i.params, i.x, i.y, i.h0, output.SOFTMAX, quantities.gradients)
    held = [balls.to_balls(np.asarray(array)) for array in traced.flatten(*plain_arrays(network_in(instance, name)))]
    return leaves(traced.unflatten(evaluate(traced.jaxpr, *held, constants=balls.ball)))
