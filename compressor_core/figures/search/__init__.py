"""Figures of searches, sweeps and fronts of several objectives."""
