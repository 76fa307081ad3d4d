"""Servers on this machine that files are sent to: an SFTP server with faults on demand, OpenSSH, and an S3 bucket."""
