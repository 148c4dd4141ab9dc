"""Figures from plain records: records → info (a frozen dataclass) → Plotly figure."""
