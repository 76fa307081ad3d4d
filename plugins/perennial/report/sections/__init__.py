"""One file per section; `registry` finds them. The contract is in registry.py."""
