"""Tokens as the bytes that kernels compare: UTF-8 for text, and what UTF-8 never is for the rest.

A token that is no str begins with the byte FF, which no UTF-8 holds, and a letter for its kind. So
text costs nothing more, and tokens of every kind are counted, ordered, digested and stored alike.
Whole numbers are ordered as numbers are.
"""

from collections.abc import Hashable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastw2v.text.token_kinds import check_kinds

__all__ = [
    "FIRST_BYTE_OF_OTHERS",
    "NUMBER_BYTES",
    "bytes_of_tokens",
    "number_bytes",
    "token_bytes",
    "token_of",
    "tokens_of",
]

FIRST_BYTE_OF_OTHERS = 0xFF
"""Of tokens that are no str."""
_OTHER = bytes([FIRST_BYTE_OF_OTHERS])
_BELOW, _NUMBER, _ABOVE, _BYTES, _TUPLE = b"\xffh", b"\xffi", b"\xffj", b"\xffk", b"\xffl"
_SMALLEST, _LARGEST = -(2**63), 2**63 - 1
_LENGTH = 4  # bytes of a length
_LONGEST: int = 2 ** (8 * _LENGTH) - 1
NUMBER_BYTES = 10
"""What a whole number of 64 bits takes."""


def token_bytes(token: Hashable) -> bytes:
    """Return the bytes of a token.

    Raises
    ------
    TokenKindError
        If it is no str, whole number, bytes, or tuple of these.
    UnicodeEncodeError
        If a str holds a lone surrogate.
    """
    if isinstance(token, str):
        return token.encode()
    check_kinds([token], "words")
    return _other_bytes(token)


def bytes_of_tokens(tokens: Sequence[Hashable]) -> list[bytes]:
    """Return the bytes of tokens; errors as `token_bytes`."""
    try:
        return list(map(str.encode, tokens))  # type: ignore[arg-type]
    except TypeError:  # they are not all text
        return list(map(token_bytes, tokens))


def _other_bytes(token: Any) -> bytes:
    """Return the bytes of a token that may be one."""
    if isinstance(token, str):
        return str(token).encode()
    if isinstance(token, bytes):
        return _BYTES + bytes(token)
    if isinstance(token, tuple):
        parts = (_other_bytes(part) for part in token)
        return _TUPLE + b"".join(len(part).to_bytes(_LENGTH, "big") + part for part in parts)
    number: int = int(token)
    if _SMALLEST <= number <= _LARGEST:
        return _NUMBER + (number - _SMALLEST).to_bytes(8, "big")
    magnitude: bytes = abs(number).to_bytes((number.bit_length() + 7) // 8, "big")
    if number > 0:
        return _ABOVE + len(magnitude).to_bytes(_LENGTH, "big") + magnitude
    # Longer ones come first, and so do larger magnitudes.
    turned = bytes(255 - byte for byte in magnitude)
    return _BELOW + (_LONGEST - len(magnitude)).to_bytes(_LENGTH, "big") + turned


def number_bytes(numbers: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return the bytes of whole numbers, `NUMBER_BYTES` of each, one behind the other."""
    found = np.empty((len(numbers), NUMBER_BYTES), np.uint8)
    found[:, :2] = np.frombuffer(_NUMBER, np.uint8)
    shifted = numbers.view(np.uint64) ^ np.uint64(2**63)
    found[:, 2:] = shifted.astype(">u8").view(np.uint8).reshape(-1, 8)
    return found.reshape(-1)


def tokens_of(encoded: Iterable[bytes]) -> list[Any]:
    """Return the tokens that `token_bytes` gave these bytes of; errors as `token_of`."""
    encoded = list(encoded)
    try:
        return list(map(bytes.decode, encoded))
    except UnicodeDecodeError:  # as UTF-8 has no byte FF, tokens of other kinds are there
        return [word.decode() if word[:1] != _OTHER else token_of(word) for word in encoded]


def token_of(data: bytes) -> Any:
    """Return the token that `token_bytes` gave these bytes of.

    Raises
    ------
    ValueError
        If it did not give them. `UnicodeDecodeError` is one.
    """
    if data[:1] != _OTHER:
        return data.decode()
    kind, rest = data[:2], data[2:]
    token: Any = None
    if kind == _NUMBER and len(rest) == NUMBER_BYTES - 2:
        token = int.from_bytes(rest, "big") + _SMALLEST
    elif kind == _ABOVE:
        token = int.from_bytes(rest[_LENGTH:], "big")
    elif kind == _BELOW:
        token = -int.from_bytes(bytes(255 - byte for byte in rest[_LENGTH:]), "big")
    elif kind == _BYTES:
        token = rest
    elif kind == _TUPLE:
        token = _tuple_of(rest)
    if token is None or _other_bytes(token) != data:
        raise ValueError(f"expected the bytes of a token, got {data[:40]!r}")
    return token


def _tuple_of(data: bytes) -> tuple[Any, ...]:
    parts = []
    while data:
        length = int.from_bytes(data[:_LENGTH], "big")
        part, data = data[_LENGTH : _LENGTH + length], data[_LENGTH + length :]
        parts.append(token_of(part))
    return tuple(parts)
