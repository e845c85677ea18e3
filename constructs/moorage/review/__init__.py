"""The review of a pull request: what it changes, breaks, opens and violates, from two cloud assemblies.

`pip install moorage[review]` installs it; `moorage review BASE HEAD` runs it. It works with any CDK app, in any
language, without credentials.
"""
