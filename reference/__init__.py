"""The same deep RNN in JAX, differentiated by JAX alone.

The modules state the forward pass and the loss; every derivative is JAX's own. Nothing here knows the
derivation that is verified, and no derivative is written by hand.

=============  =========================================================================================
module         holds
=============  =========================================================================================
`config`       the settings of JAX; the compilation cache
`activations`  f: the activations by name, and a mixture with given coefficients
`output`       g and the loss: softmax in two forms, and what may be put in its place
`symbolic`     an f that is only a name, so that the derived program can be run over any field
`model`        the network, unrolled: equations (1)-(5)
`autodiff`     many derivatives of one function at once
`quantities`   everything the document differentiates, by autodiff
`padding`      how networks of mixed shapes are laid out in one box, and how results are cut out of it
`padded`       the same quantities for such a box, in one compiled program
=============  =========================================================================================
"""

from . import config

__all__ = ["config"]
