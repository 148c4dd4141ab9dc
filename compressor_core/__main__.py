"""`python -m compressor_core VERB …`."""

from __future__ import annotations

import os
import sys

if sys.getfilesystemencoding() != "utf-8":
    # tokenizers, safetensors and onnxruntime take every path for UTF-8, whatever the locale says: so does this program.
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, "PYTHONUTF8": "1"})

from compressor_core.cli.main import main  # nothing that may read a path comes before
from compressor_core.distill.processes import leave

leave(main())
