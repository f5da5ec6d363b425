"""Chapter 1: what a Markov decision process is."""
