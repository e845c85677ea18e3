"""Advice for the workloads of a cloud assembly of any CDK app."""
