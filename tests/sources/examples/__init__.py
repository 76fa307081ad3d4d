"""An example of each kind of source: the same small shop, and how it goes on. One module `example_<kind>.py` each."""
