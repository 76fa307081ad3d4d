"""Erasing one customer, and handing her what is known of her.

Her rows stay with their dates and amounts, under an id that nobody can lead back to her, so every total stays what it
was. See docs/decisions/0029-what-erasing-leaves.md.
"""
