"""Storage for a task: a shared file system, an EBS volume, a directory between containers, and memory."""

import aws_cdk as cdk
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_efs as efs

from moorage import Cluster, Container, Mount, Network, Service, Task, Volume

app = cdk.App()
stack = cdk.Stack(app, "Media")
network = Network(stack, "Network")
files = efs.FileSystem(stack, "Files", vpc=network.vpc)
user = efs.PosixUser(uid="1000", gid="1000")
owner = efs.Acl(owner_uid="1000", owner_gid="1000", permissions="750")
uploads = files.add_access_point("Uploads", path="/uploads", posix_user=user, create_acl=owner)
web = Container(
    "public.ecr.aws/nginx/nginx-unprivileged:1.29",
    name="web",
    port=8080,
    mounts={"/uploads": Mount("uploads", read_only=True), "/pages": Mount("pages", read_only=True)},
    writable={"/tmp": 16},
)
render = Container(
    "public.ecr.aws/docker/library/python:3.13-slim",
    name="render",
    command=["python", "-m", "http.server", "8000", "--directory", "/uploads"],
    mounts={"/uploads": "uploads", "/scratch": "scratch", "/pages": "pages"},
)
scan = Container(
    "public.ecr.aws/docker/library/python:3.13-slim",
    name="scan",
    command=["python", "-i"],
    interactive=True,
    pseudo_terminal=True,
    volumes_from=ecs.VolumeFrom(source_container="render", read_only=True),
    essential=False,
)
task = Task(
    web,
    render,
    scan,
    cpu=1024,
    memory_mib=2048,
    volumes=[
        Volume.efs("uploads", files, access_point=uploads),
        Volume.ebs("scratch", 100, throughput_mib=500),
        Volume.bind_mount("pages"),
    ],
)
Service(stack, "Media", cluster=Cluster(stack, "Cluster", vpc=network.vpc), task=task)
app.synth()
