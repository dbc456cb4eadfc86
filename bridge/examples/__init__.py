"""The daemon from other programs: README.md beside this file lists them."""
