"""Words and text of figures and forms."""
