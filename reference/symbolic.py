"""An activation that is only a name: a primitive f whose derivative is a second primitive, f_prime.

The two are independent of each other. A program that JAX derives from a network with this f holds for every
differentiable f at once, and whoever evaluates its jaxpr chooses what the two mean: a fixed random function
each, over a finite field, say. There is nothing to run here: both exist in `jax.make_jaxpr` only.

f_prime itself has no derivative. Whatever asks for one has differentiated twice, where the document does so
once.
"""

from jax import Array
from jax.core import ShapedArray
from jax.extend.core import Primitive
from jax.interpreters import ad, batching


def _elementwise(name: str) -> Primitive:
    symbol = Primitive(name)
    symbol.def_abstract_eval(lambda u: ShapedArray(u.shape, u.dtype))  # type: ignore[no-untyped-call]
    batching.defvectorized(symbol)  # type: ignore[no-untyped-call]
    return symbol


F = _elementwise("f")
F_PRIME = _elementwise("f_prime")


def f(u: Array) -> Array:
    """The activation of equation (4) as a symbol, elementwise: any shape, any floating type."""
    return F.bind(u)  # type: ignore[no-any-return, no-untyped-call]


def f_prime(u: Array) -> Array:
    """The derivative of `f` as a symbol of its own, elementwise: any shape, any floating type.

    Raises
    ------
    NotImplementedError
        When it is differentiated.

    """
    return F_PRIME.bind(u)  # type: ignore[no-any-return, no-untyped-call]


def _jvp_of_f(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    (u,), (du,) = primals, tangents
    return f(u), f_prime(u) * du


def _jvp_of_f_prime(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    raise NotImplementedError(
        "symbolic.f_prime has no derivative: the derivation needs f' only; "
        "use an activation of bptt_oracle.reference.activations for second derivatives"
    )


ad.primitive_jvps[F] = _jvp_of_f
ad.primitive_jvps[F_PRIME] = _jvp_of_f_prime
