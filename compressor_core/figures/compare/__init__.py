"""Figures of a comparison of a teacher and its students, and of single answers."""
