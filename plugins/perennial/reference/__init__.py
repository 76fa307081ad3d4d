"""docs/reference: what can be configured, read and called, written by the code that says it."""
