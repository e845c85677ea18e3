"""The programs and libraries that the commands need, and the command that installs each of them.

Only the standard library is needed, so that a missing library can be reported.
"""
