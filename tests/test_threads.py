from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from compressor_core.distill.labelling import LabelConfig
from compressor_core.distill.settings import TrainingConfig
from compressor_core.errors import SettingsError
from compressor_core.evaluate.comparison import CompareConfig
from compressor_core.evaluate.design import CalibrationConfig
from compressor_core.evaluate.measurement_settings import MeasureConfig
from compressor_core.evaluate.reproduction import ReproduceConfig
from compressor_core.export.exporting import ExportConfig
from compressor_core.threads import MOST_THREADS

ASKED: tuple[Callable[..., Any], ...] = (
    lambda **own: CalibrationConfig(**own),
    lambda **own: MeasureConfig(models=("one",), **own),
    lambda **own: CompareConfig("teacher", "student", **own),
    lambda **own: ReproduceConfig("a", "b", "codebert", "vulnerability", "devign", **own),
    lambda **own: ExportConfig("one", **own),
    lambda **own: LabelConfig("teacher", "pool", **own),
    lambda **own: TrainingConfig(1, 1e-3, **own),
)


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("threads", [0, -1, True, 1.5, MOST_THREADS + 1, 99999999999999999999])
def test_no_machine_has_so_many_threads(asked: Callable[..., Any], threads: Any) -> None:
    """Torch overflows with the last one, and takes all others."""
    assert asked(threads=2).threads == 2
    with pytest.raises(SettingsError, match=r"threads must be a whole number from 1 to 1024"):
        asked(threads=threads)
