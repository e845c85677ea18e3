"""Windows containers: on Fargate, and on domain-joined instances with a group Managed Service Account."""

import aws_cdk as cdk

from moorage import (
    Ami,
    Capacity,
    Cluster,
    Container,
    ContainerInstance,
    Network,
    OperatingSystemFamily,
    Service,
    Task,
)

app = cdk.App()
stack = cdk.Stack(app, "Legacy")
windows = OperatingSystemFamily.WINDOWS_SERVER_2022_CORE
# prerequisites: a domain, an AMI or SSM document that joins it, and the credential spec in a parameter
join = "C:\\tools\\join-domain.ps1"
instance = ContainerInstance(ami=Ami.windows(windows), volume_gib=100, user_data=[join])
domain = Capacity.ec2("domain", instance_types=["m7i.xlarge", "m6i.xlarge"], max_instances=4, instance=instance)
fargate = Capacity.fargate()
cluster = Cluster(stack, "Cluster", vpc=Network(stack, "Network").vpc, capacity=[fargate, domain])

iis = "mcr.microsoft.com/windows/servercore/iis:windowsservercore-ltsc2022"
site = Task(Container(iis, port=80), cpu=1024, memory_mib=2048, operating_system_family=windows)
Service(stack, "Site", cluster=cluster, task=site)

spec = "credentialspec:arn:aws:ssm:eu-west-1:111111111111:parameter/intranet"
intranet = Container(iis, port=80, credential_spec=spec)
Service(
    stack,
    "Intranet",
    cluster=cluster,
    task=Task(intranet, cpu=1024, memory_mib=2048, operating_system_family=windows),
    capacity=domain,
)
app.synth()
