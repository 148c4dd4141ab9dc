"""Parts that pages share; presentation only."""
