"""The replacements of an update, from CloudFormation's provider schemas."""
