"""The server side: ministack in one process, extended with what it lacks.

A CloudFormation type is one class in the file named for its service (`resource.Resource` says what it owes). `engine`
puts the classes into ministack's tables and makes every type, ministack's own too, fail when a property has no effect.
Nothing here imports the constructs or `aws_cdk`.
"""
