"""The version, in one place: the package, the build and every model folder read it here."""

__all__ = ["VERSION"]

VERSION = "0.1.0"
