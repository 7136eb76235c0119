"""What an arithmetic refuses to do, each refusal with a name of its own."""

from __future__ import annotations


class RefusalError(ValueError):
    """An arithmetic was asked for something that it cannot do without guessing."""


class InexactConstantError(RefusalError):
    """A floating constant met elements for which only exact rationals have a meaning."""


class NotFiniteError(RefusalError):
    """An infinity, a NaN or a ball that encloses nothing in particular."""


class PrecisionTooLowError(RefusalError):
    """An enclosure is too wide to decide what was asked."""


class UndecidedError(PrecisionTooLowError):
    """Two enclosures overlap, so that the order of the values inside is unknown."""


class UnorderedError(RefusalError):
    """Elements of a finite field were compared: the field has no order."""


class MixedFormatsError(RefusalError):
    """Elements that stand for different floating-point formats met in one operation."""


class FieldZeroDivisionError(ZeroDivisionError):
    """A division by the zero of the field: draw the instance anew."""


class MissingFlintError(ImportError):
    """python-flint, which exact and enclosed arithmetic rest on, cannot be imported."""
