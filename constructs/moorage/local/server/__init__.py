"""The server of the local AWS: the AWS emulator ministack in one process, extended by this package.

Each CloudFormation type that this package adds or replaces is a subclass of `core.resource.Resource`. `core.engine`
registers these classes with ministack. The engine also makes every type, including ministack's own, fail if a property
has no effect. Nothing here imports the constructs or `aws_cdk`.
"""
