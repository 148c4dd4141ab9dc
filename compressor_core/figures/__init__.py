"""Plain records in, Plotly figures out: records → info (a frozen dataclass) → figure."""
