"""The document's derivation by hand, in NumPy: one function for every numbered equation."""

from .backprop import ForwardPass, Gradients, forward_pass, one_pass, per_step_sum
from .batch import Batch, BatchForward, BatchGradients, forward_batch, one_pass_batch
from .calculus import Elementwise
from .derivation import ROUTES, Derivation, Route
from .functions import ACTIVATIONS, Functions, mixture, no_shift, softmax
from .network import Network, NetworkError, ShapeError, TypeOfEntriesError, ValueRangeError, network
from .quantities import Quantities, notation
from .registry import CORRECTED, PRINTED, indices, right_reading
from .undefined import Undefined

__all__ = [
    "ACTIVATIONS",
    "CORRECTED",
    "PRINTED",
    "ROUTES",
    "Batch",
    "BatchForward",
    "BatchGradients",
    "Derivation",
    "Elementwise",
    "ForwardPass",
    "Functions",
    "Gradients",
    "Network",
    "NetworkError",
    "Quantities",
    "Route",
    "ShapeError",
    "TypeOfEntriesError",
    "Undefined",
    "ValueRangeError",
    "forward_batch",
    "forward_pass",
    "indices",
    "mixture",
    "network",
    "no_shift",
    "notation",
    "one_pass",
    "one_pass_batch",
    "per_step_sum",
    "right_reading",
    "softmax",
]
