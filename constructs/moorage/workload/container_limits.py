"""The limits of a container; rows of the table in `limits`."""

from __future__ import annotations

from moorage.workload.limit import Botocore, Limit, at_least, at_most, in_range, matching, one_of, unique

CONTAINER_NAME = matching(
    "container-name",
    r"[A-Za-z0-9_-]{1,255}",
    rule="must be 1 to 255 letters, digits, hyphens and underscores",
    hint="use a name such as 'web-1'",
    source=Botocore("ecs", "ContainerDefinition", "name", "Up to 255 letters (uppercase and lowercase)"),
)
CONTAINER_CPU_LEAST = Limit(
    id="container-cpu-least",
    accepts=lambda cpu: cpu >= 0,
    rule="must be 0 or more",
    hint="use CPU units, 1,024 for each vCPU, or leave cpu= out to use the CPU that other containers do not reserve",
    source=Botocore("ecs", "ContainerDefinition", "cpu", "Null and zero CPU values are passed to Docker as 0"),
    format=str,
)
CONTAINER_MEMORY_LEAST = at_least(
    "container-memory-least",
    6,
    unit="MiB",
    hint="use memory_mib=6 or more",
    source=Botocore("ecs", "ContainerDefinition", "memory", "don't specify less than 6 MiB of memory"),
)
MEMORY_RESERVATION = Limit(
    id="memory-reservation",
    accepts=lambda pair: 6 <= pair[0] <= pair[1],
    rule="must be between 6 MiB and memory_mib of the container, or of the task if the container has no memory_mib",
    hint=lambda pair: (
        "use memory_reservation_mib=6 or more"
        if pair[0] < 6
        else "use a smaller memory_reservation_mib=, or a larger memory_mib="
    ),
    source=Botocore(
        "ecs",
        "ContainerDefinition",
        "memoryReservation",
        "don't specify less than 6 MiB of memory",
        also="CDK aws-ecs ContainerDefinition accepts both alike",
    ),
    format=lambda pair: f"{pair[0]} with memory_mib={pair[1]}",
)
CONTAINER_TIMEOUT = at_least(
    "container-timeout",
    0,
    unit="seconds",
    hint="use a duration such as cdk.Duration.seconds(30); Fargate accepts 2 to 120 seconds",
    source=Botocore("ecs", "ContainerDefinition", "stopTimeout", "Time duration (in seconds) to wait"),
)
WRITABLE_LEAST = Limit(
    id="writable-least",
    accepts=lambda size: size >= 1,
    rule="must be 1 MiB or more",
    hint="use a size such as writable={'/tmp': 64}, or remove the path",
    source=Botocore("ecs", "Tmpfs", "size", "The maximum size (in MiB) of the tmpfs volume."),
    format=str,
)
WRITABLE_SIZE = Limit(
    id="writable-size",
    accepts=lambda sizes: sizes[0] < sizes[1],
    rule="must be smaller than the memory of the container or task",
    hint="use smaller sizes in writable={path: MiB}, or a larger memory_mib= of the container or task",
    source=Botocore(
        "ecs",
        "Tmpfs",
        "size",
        "The maximum size (in MiB) of the tmpfs volume.",
        also="tmpfs pages count in the memory of the container that writes them",
    ),
    format=lambda sizes: f"{sizes[0]} of {sizes[1]} MiB",
)
MOUNT_PATH = matching(
    "mount-path",
    r"(/[^/:,]+)+/?|[A-Za-z]:\\([^\\/:,]+(\\[^\\/:,]+)*\\?)?",
    rule="must be an absolute path below the root, without ',', and with ':' only after a drive letter",
    hint="use a path such as '/data', or 'C:\\\\data' on Windows",
    source=Botocore(
        "ecs",
        "Tmpfs",
        "containerPath",
        "The absolute file path where the tmpfs volume is to be mounted.",
        also="MountPoint.containerPath; ECS developer guide, bind mounts on Windows",
    ),
)
LINUX_MOUNT_PATH = MOUNT_PATH._replace(
    id="writable-path",
    rule="must be an absolute path below '/', without ':' or ','",
    hint="use a path such as '/data'",
)
MOUNT_PATHS = unique(
    "mount-paths",
    rule="must be unique",
    hint="list each path only once ('/data' and '/data/' are the same path)",
    source="moby: Duplicate mount point",
)
INSTANCE_GPUS = Limit(
    id="instance-gpus",
    accepts=lambda count: count >= 0,
    rule="must be 0 or more",
    hint="use 0 for no GPUs",
    source=Botocore("autoscaling", "AcceleratorCountRequest", "Min", "The minimum value."),
    format=str,
)
HEALTH_INTERVAL = in_range(
    "health-interval",
    5,
    300,
    unit="seconds",
    hint="use a duration such as cdk.Duration.seconds(10)",
    source=Botocore("ecs", "HealthCheck", "interval", "You may specify between 5 and 300 seconds."),
)
HEALTH_TIMEOUT = in_range(
    "health-timeout",
    2,
    60,
    unit="seconds",
    hint="use a duration such as cdk.Duration.seconds(5)",
    source=Botocore("ecs", "HealthCheck", "timeout", "You may specify between 2 and 60 seconds."),
)
HEALTH_TIMEOUT_SHORTER = Limit(
    id="health-timeout-shorter",
    accepts=lambda pair: pair[0] <= pair[1],
    rule="must not be longer than interval",
    hint="use a shorter timeout= or a longer interval=",
    source="CDK aws-ecs ContainerDefinition (health check)",
    format=lambda pair: f"{pair[0]} with interval={pair[1]}, in seconds",
)
HEALTH_RETRIES = in_range(
    "health-retries",
    1,
    10,
    hint="use a number of failures such as 3",
    source=Botocore("ecs", "HealthCheck", "retries", "You may specify between 1 and 10 retries."),
)
HEALTH_START = in_range(
    "health-start-period",
    0,
    300,
    unit="seconds",
    hint="use a duration such as cdk.Duration.seconds(60)",
    source=Botocore("ecs", "HealthCheck", "startPeriod", "You can specify between 0 and 300 seconds."),
)
RESTART_EXIT_CODES = at_most(
    "restart-exit-codes",
    50,
    hint="use fewer exit codes",
    source=Botocore(
        "ecs", "ContainerRestartPolicy", "ignoredExitCodes", "You can specify a maximum of 50 container exit codes."
    ),
)
RESTART_PERIOD = in_range(
    "restart-attempt-period",
    60,
    1800,
    unit="seconds",
    hint="use a duration such as cdk.Duration.minutes(5), for which a container must run before it can be restarted",
    source=Botocore(
        "ecs",
        "ContainerRestartPolicy",
        "restartAttemptPeriod",
        "a minimum restartAttemptPeriod of 60 seconds and a maximum restartAttemptPeriod of 1800 seconds.",
    ),
)
ENVIRONMENT_FILES = at_most(
    "environment-files",
    10,
    hint="combine some of the files",
    source=Botocore("ecs", "EnvironmentFile", "", "You can specify up to ten environment files."),
)
ENVIRONMENT_FILE_NAME = matching(
    "environment-file-name",
    r".+\.env",
    rule="must end in '.env'",
    hint="use a file name such as 'web.env'",
    source=Botocore("ecs", "EnvironmentFile", "", "The file must have a .env file extension."),
)
SECRET_VERSION = Limit(
    id="secret-version",
    accepts=lambda version: not all(version),
    rule="must not have both a version_stage and a version_id",
    hint="leave version_stage or version_id out",
    source="ECS developer guide, pass Secrets Manager secrets through environment variables",
    format=lambda version: f"version_stage={version[0]!r}, version_id={version[1]!r}",
)
LOG_BUFFER = at_least(
    "log-buffer",
    1,
    unit="MiB",
    hint="use a size such as 25, or LogMode.blocking()",
    source=Botocore(
        "ecs", "LogConfiguration", "options", "the max-buffer-size log option controls the size of the buffer"
    ),
)
LOG_BUFFER_MEMORY = Limit(
    id="log-buffer-memory",
    accepts=lambda sizes: sizes[0] < sizes[1],
    rule="should be smaller than the memory of the task, which the buffer uses",
    hint="use a smaller max_buffer_mib=, or a larger memory_mib= of the task",
    source=Botocore(
        "ecs",
        "LogConfiguration",
        "options",
        "the container's logs are instead stored in an in-memory intermediate buffer",
        also="no source states the memory that the buffer counts in",
    ),
    format=lambda sizes: f"{sizes[0]} of {sizes[1]} MiB",
    confirmed=False,
)
LOG_ROUTER = one_of(
    "log-router",
    ("fluentbit", "fluentd"),
    hint="leave type= out, or use type='fluentd' with image=",
    source=Botocore("ecs", "FirelensConfigurationType"),
)
LOG_ROUTER_IMAGE = Limit(
    id="log-router-image",
    accepts=lambda pair: pair[0] != "fluentd" or "fluent-bit" not in str(pair[1]),
    rule="must be a Fluentd image if type='fluentd'",
    hint="use a Fluentd image that has the plugin for your output, or type='fluentbit'",
    source="ECS developer guide, FireLens: AWS publishes images of Fluent Bit",
    format=lambda pair: repr(pair[1]),
)
CREDENTIAL_SPEC = matching(
    "credential-spec",
    r"credentialspec(domainless)?:arn:.+",
    rule="must be 'credentialspec:' or 'credentialspecdomainless:', followed by the ARN of an S3 object or SSM "
    "parameter",
    hint="use a form such as 'credentialspecdomainless:arn:aws:s3:::bucket/key'",
    source=Botocore("ecs", "ContainerDefinition", "credentialSpecs", "There are two formats for each ARN."),
)
