"""Which launch type fits a workload, and what each costs a month. Pure Python, without `aws_cdk`."""
