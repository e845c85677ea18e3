"""The review of a pull request, from two cloud assemblies: losses, interruptions, new access and policy findings.

`pip install moorage[review]` installs the review, and `moorage review BASE HEAD` runs it. The review works with any CDK
app, in any language, without credentials.
"""
