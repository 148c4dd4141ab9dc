"""A class: who takes part in it, and what everybody has made on one board."""
