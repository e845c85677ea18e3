"""The values that describe a workload, and AWS's limits for them: pure Python, without `aws_cdk` at run time."""
