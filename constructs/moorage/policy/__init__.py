"""The findings of policy engines in any CDK app: cfn-lint, the Control Tower Guard rules, checkov, and CDK's plugins.

`pip install moorage[review]` installs cfn-lint and the Guard engine.
"""
