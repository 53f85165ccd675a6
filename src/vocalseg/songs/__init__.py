"""Data sets of songs: finding, checking, downloading, synthesising and reading them."""
