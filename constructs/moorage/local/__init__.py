"""An AWS that runs on this machine: start it, deploy any CDK app into it, read back what stands, and stop it.

`python -m moorage.local up|down|status`, installed by `pip install moorage[local]`. It reads the synthesized assembly
and imports none of the constructs, so it serves any CDK app.
"""
