"""The warehouse: how rows get in, where they lie, what is accepted."""
