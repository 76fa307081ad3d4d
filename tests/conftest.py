"""Shared fixtures. Plain functions are tested plainly; only tests that ask for a server get one."""
