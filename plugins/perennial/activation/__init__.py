"""Activation: who is in an audience, what leaves the warehouse, and what became of it."""
