"""A local AWS on this machine: start it, deploy any CDK app to it, list what is deployed, and stop it.

`pip install moorage[local]` installs the local AWS. `python -m moorage.local up` starts it and deploys the app. The
local AWS reads the synthesized cloud assembly and does not import the constructs, so it works with any CDK app.
"""
