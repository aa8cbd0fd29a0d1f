"""The program ``gpu-mlp``."""

from __future__ import annotations

import signal
import sys


def main() -> None:
    """Run the program with the arguments of this process."""
    from . import _native

    if not hasattr(_native, "program"):
        sys.exit(
            "gpu-mlp: this build of the Python module has no program inside: build it with the feature `program`"
        )
    # Ctrl-C is the program's own, which saves a run first.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(_native.program(["gpu-mlp", *sys.argv[1:]]))


if __name__ == "__main__":
    main()
