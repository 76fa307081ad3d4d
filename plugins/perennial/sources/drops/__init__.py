"""What file drops are made of: what a file is, how its rows are read, which files were read before."""
