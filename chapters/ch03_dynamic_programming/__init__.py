"""Chapter 3: dynamic programming, or how to solve a model that one knows."""
