"""`python -m compressor_core VERB …`."""

from __future__ import annotations

import sys

from compressor_core.cli import main

sys.exit(main())
