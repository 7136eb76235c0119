"""The page: everything that was found, as one file to read offline."""

from .page import page

__all__ = ["page"]
