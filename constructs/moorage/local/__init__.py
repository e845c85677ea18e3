"""A local AWS on this machine: start it, deploy any CDK app to it, list what is deployed, and stop it.

`pip install moorage[local]` installs the local AWS, and `python -m moorage.local up` runs it. The local AWS reads the
synthesized cloud assembly and does not import the constructs, so it works with any CDK app.
"""
