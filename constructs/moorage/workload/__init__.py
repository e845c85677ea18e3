"""What runs, in values that check themselves: pure Python, without `aws_cdk` at run time."""
