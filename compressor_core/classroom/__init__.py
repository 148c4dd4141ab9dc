"""A class: its participants, and a board of everybody's results."""
