"""Command line: `compressor VERB …`, the same as `python -m compressor_core VERB …`."""

from __future__ import annotations

import os
import sys
from typing import NoReturn


def run() -> NoReturn:
    """Run the command line and end the process with its exit code."""
    if sys.getfilesystemencoding() != "utf-8":
        # tokenizers, safetensors and onnxruntime treat every path as UTF-8, regardless of the locale.
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, "PYTHONUTF8": "1"})
    from compressor_core.cli.main import main  # late, because it may read paths
    from compressor_core.distill.processes import leave

    leave(main())


if __name__ == "__main__":
    run()
