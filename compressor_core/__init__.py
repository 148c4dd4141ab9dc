"""Compressor Studio: shrink a pre-trained model of code to a size budget, and see every step."""

__version__ = "0.1.0"
