"""The operators of the pattern language: one file each, registered in `table.py`."""
