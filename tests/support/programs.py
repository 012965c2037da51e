"""Running the installed program, and what it leaves behind."""

import subprocess
import sys
from pathlib import Path

PROGRAM = Path(sys.executable).parent / "fastw2v"


def program(*arguments, **options):
    """Run the installed program."""
    command = [PROGRAM, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, check=False, timeout=120, **options)


def tree(folder):
    """Every path below a folder, with the bytes of files."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }
