"""CDK's placeholders for values that a program looks up, and the well-formed strings that replace them.

CDK returns a placeholder in the first pass of `cdk synth`. The CLI then looks the value up and runs the program again.
The second pass checks the value.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

_MARK = "dummy-value-for-"
_PLACEHOLDER = re.compile(
    rf"{_MARK}|my-load-balancer/50dc6c495c0c9188|(vpc|[sp]|rtb)-(12345|67890)[sp]?$|sg-(1234|12345678|123456789012)$"
    r"|ami-1234$|pl-x{8}$|dummy1[abc]$|1\.2\.3\.4/5$|DUMMY(_ARN)?$|1234abcd-12ab-34cd-56ef-1234567890ab$"
)
"""CDK's placeholders (aws-cdk-lib, `dummyValue`)."""
_LONGEST_NAME = 14
"""The length above which a hash replaces a name. The hash is short enough for any argument."""
_BALANCING = "arn:aws:elasticloadbalancing:::"
_STAND_INS = {
    "Capacity.ec2.instance_types": "m0.dummy-value-for-{}",
    "Cluster.from_attributes.cluster_arn": "arn:aws:ecs:::cluster/dummy-value-for-{}",
    "Container.credential_spec": "credentialspecdomainless:arn:aws:ssm:::parameter/dummy-value-for-{}",
    "Container.log_router.type": "fluentbit",
    "Gateway.web_acl": "arn:aws:wafv2:::regional/webacl/dummy-value-for-{}",
    "GatewayConnector.health": "/looked-up-{}",
    "Lattice.health": "/looked-up-{}",
    "Lattice.target_group_arn": "arn:aws:vpc-lattice:::targetgroup/dummy-value-for-{}",
    "LinuxParameters.add_capabilities": "SYS_PTRACE",
    "LinuxParameters.drop_capabilities": "SYS_PTRACE",
    "LoadBalancer.web_acl": "arn:aws:wafv2:::regional/webacl/dummy-value-for-{}",
    "LoadBalancer.from_attributes.listener_arn": f"{_BALANCING}listener/app/dummy-value-for-{{}}/1/2",
    "LoadBalancer.from_attributes.security_group_id": "sg-12345678",
    "LoadBalancer.from_attributes.test_listener_arn": f"{_BALANCING}listener/app/dummy-value-for-{{}}/1/2",
    "Network.cidr": "10.0.0.0/16",
    "NetworkLoadBalancer.from_attributes.load_balancer_arn": f"{_BALANCING}loadbalancer/net/dummy-value-for-{{}}/1",
    "NetworkLoadBalancer.from_attributes.security_group_id": "sg-12345678",
    "Registry.pull_time_exclusions": "arn:aws:iam::123456789012:role/dummy-value-for-{}",
    "ReplicationDestination.account": "123456789012",
    "Route.host": "looked-up-{}.example",
    "Route.path": "/looked-up-{}",
    "ServiceConnect.protocol": "http",
    "ServiceConnectTls.authority_arn": "arn:aws:acm-pca:::certificate-authority/dummy-value-for-{}",
    "SigningRule.profile": "arn:aws:signer:us-east-1:123456789012:/signing-profiles/DUMMY",
    "Task.ipc_mode": "task",
    "Task.pid_mode": "task",
    "Volume.ebs.file_system_type": "xfs",
    "Volume.ebs.snapshot_id": "snap-0",
    "Volume.ebs.volume_type": "gp3",
}
"""The replacements for arguments whose value moorage or CDK parses, or whose value must be in a list or have a form."""


def is_looked_up_later(text: str) -> bool:
    """Return whether a string is a placeholder that CDK has not looked up yet."""
    return _PLACEHOLDER.search(text) is not None


def stand_in(argument: str, value: Any) -> Any:
    """Replace placeholders in the value of an argument with well-formed strings.

    Args:
        argument: The argument with its class and method, such as `Cluster.from_attributes.cluster_arn`.
        value: A string or a tuple of strings. Any other value is returned unchanged.
    """
    if isinstance(value, tuple):
        return tuple(stand_in(argument, each) for each in value) if any(map(_has_mark, value)) else value
    if not _has_mark(value):
        return value
    pattern = _STAND_INS.get(argument)
    before, _, name = value.partition(_MARK)
    return f"{before}{_MARK}{_short(name)}" if pattern is None else pattern.format(_short(before + name))


def _short(name: str) -> str:
    words = re.sub("[^a-z0-9]+", "-", name.lower()).strip("-")
    return words if len(words) <= _LONGEST_NAME else hashlib.sha256(name.encode()).hexdigest()[:_LONGEST_NAME]


def _has_mark(value: Any) -> bool:
    return isinstance(value, str) and _MARK in value
