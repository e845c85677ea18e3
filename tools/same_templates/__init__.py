"""Compare the CloudFormation templates that two revisions of this repository synthesize."""
