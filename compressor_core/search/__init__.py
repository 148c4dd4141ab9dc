"""Search for the architecture with the most computation within a size budget."""
