"""What the pages share: presentation only."""
