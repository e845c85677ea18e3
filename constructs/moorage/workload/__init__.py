"""The values of a task and the limits that they keep: pure Python, without `aws_cdk` at run time."""
