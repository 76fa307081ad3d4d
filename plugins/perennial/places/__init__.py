"""Where files come from and go to: one module per kind of place, chosen by the connection through the registry."""
