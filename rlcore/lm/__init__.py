"""A language model small enough that every response can be written down, and the ways to align it."""
