"""The choice of a launch type for a workload, and the monthly cost of each. Pure Python, without `aws_cdk`."""
