"""Architecture picked on a page for distillation, with its provenance."""

from __future__ import annotations

from pydantic import Field

from compressor_core.architecture import ArchitectureField
from compressor_core.settings import Positive, Settings


class Pick(Settings):
    """An architecture and its provenance; the app keeps it in the session under `picked`."""

    architecture: ArchitectureField = Field(description="Picked architecture V,H,L,A,I")
    budget_mb: Positive | None = Field(None, description="Size budget in MB that it was picked for")
    search_run: str | None = Field(None, description="Run of the search that it was picked from")
    space: str | None = Field(None, description="Name of the search space; none for a space of one's own")
