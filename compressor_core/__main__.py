"""The command `compressor VERB …`, which is `python -m compressor_core VERB …`."""

from __future__ import annotations

import os
import sys
from typing import NoReturn


def run() -> NoReturn:
    """Run the command line and end the process with its exit code."""
    if sys.getfilesystemencoding() != "utf-8":
        # tokenizers, safetensors and onnxruntime take every path for UTF-8, whatever the locale says.
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, "PYTHONUTF8": "1"})
    from compressor_core.cli.main import main  # nothing that may read a path comes before
    from compressor_core.distill.processes import leave

    leave(main())


if __name__ == "__main__":
    run()
