"""What first lines of vectors in text have: both sizes, and numbers."""

import re

__all__ = ["NUMBER", "SIZES"]

SIZES = re.compile(rb"[ \t]*([0-9]{1,18})[ \t]+([0-9]{1,18})[ \t\r]*")
NUMBER = re.compile(rb"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
