"""Figures of measured and predicted costs."""
