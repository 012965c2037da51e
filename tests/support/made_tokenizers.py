"""Functions that cut lines, good ones and bad ones, in a module that other processes can import."""

import os
import time


def upper(line):
    """Return words in capitals, those of two letters as tuples."""
    return [tuple(word) if len(word) == 2 else word for word in line.upper().split()]


def loud(line):
    """Print, which must not get among the answers of a process."""
    print("cutting", line)
    return line.split()


def slow(line):
    """Take a millisecond."""
    time.sleep(0.001)
    return line.split()


def failing(line):
    """Fail at one line."""
    if "BOOM" in line:
        raise ValueError("no\nboom here")
    return line.split()


def surrogate(line):
    """Fail at one line, with a reason that UTF-8 cannot hold."""
    if "BOOM" in line:
        raise ValueError("caf\udce9")
    return line.split()


def deadly(line):
    """End the process at one line."""
    if "BOOM" in line:
        os._exit(7)
    return line.split()


def whole(line):
    """Return text instead of tokens."""
    return line


def nothing(line):
    """Return no tokens at all."""
    return


def objects(line):
    """Return what cannot be a token."""
    return ["good", 1.5] if "BOOM" in line else ["good"]


not_callable = 5
