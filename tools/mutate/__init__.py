"""Mutation tests: a check that the tests notice small changes of the code."""
