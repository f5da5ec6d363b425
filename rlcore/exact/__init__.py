"""The oracles: what the answer is, by linear algebra or enumeration; never by learning."""
