"""The findings of policy engines: cfn-lint, the Control Tower Guard rules, checkov, and CDK's plugins.

`pip install moorage[review]` installs cfn-lint and the Guard engine. It works with any CDK app.
"""
