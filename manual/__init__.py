"""The document's derivation by hand, in NumPy: one function for every numbered equation."""

from .arrays import loss_and_gradients
from .backprop import ForwardPass, Gradients, forward_pass, one_pass, per_step_sum
from .batch import Batch
from .calculus import Elementwise
from .checkpoints import LossAndGradients, gradients_in_segments
from .derivation import ROUTES, Derivation, Route
from .functions import ACTIVATIONS, Functions, mixture, no_shift, softmax
from .given import NetworkError, ShapeError, TypeOfEntriesError, ValueRangeError
from .network import Network, network
from .propagation import BatchForward, BatchGradients, forward_batch, one_pass_batch
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
    "LossAndGradients",
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
    "gradients_in_segments",
    "indices",
    "loss_and_gradients",
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
