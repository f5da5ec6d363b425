"""Chapter 2: the Bellman equations."""
