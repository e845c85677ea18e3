"""Each limit that cites botocore has a correct quote, and its numbers are in the quote or the shape."""

from __future__ import annotations

import functools
import html
import re
from typing import Any

import botocore.session
import pytest

from moorage.ecr import limits as ecr_limits
from moorage.workload import limits, volume_limits
from moorage.workload.limit import Botocore, Limit

ROWS: dict[str, Limit] = {row.id: row for row in (*limits.TABLE, *ecr_limits.TABLE)}
QUOTED = {name: row.source for name, row in ROWS.items() if isinstance(row.source, Botocore)}
BLOCK = re.compile(r"</?(?:p|li|ul|ol|br|dl|dt|dd|note|important|h\d)\b[^>]*>")
NUMBER = re.compile(r"(?<![A-Za-z_\d])\d[\d,]*(?:\.\d+)?(?![A-Za-z_\d])")
WORDS = {"one": 1, "two": 2, "ten": 10}
LEAST = {0, 1}
"""The numbers that need no quote, since no count, length or size is below them."""
OTHER_SOURCES = """
    alarm-percent alarm-threshold ami-architecture ami-id ami-system api-call api-calls bake-time breaker-percent
    canary-percent capacity-providers-per-cluster cloud-map-name cluster-arn command-blank command-shell
    command-variable container-names-unique container-ports-unique containers-per-task daemon-capacities
    daemon-capacities-unique daemon-capacity-kind daemon-maximum daemon-region daemon-settings dashboard-widgets
    deregistration-delay-at-deletion discovered-tasks ebs-iops ebs-size ebs-snapshot
    ebs-throughput elastic-ip-addresses entry-point environment-name event-field event-pattern-quota
    event-repository event-tag fargate-credential-spec fargate-gpus fargate-ipc-mode fargate-network-mode
    fargate-privileged fargate-size fargate-spot-windows fargate-windows-absent fargate-windows-size
    fargate-windows-volumes fault-injection-mode function-timeout gateway-connectors gateway-region gateway-subnets
    gateways-per-cluster health-timeout-shorter host-ports-unique idle-timeout image-digest images-per-repository
    instance-range instance-types instance-types-unique instance-user-data instances-per-cluster instances-range
    known-api-call lattice-region lattice-target-groups lifecycle-any-last lifecycle-archived-days lifecycle-count
    lifecycle-count-or-age lifecycle-days lifecycle-priorities-unique lifecycle-priority lifecycle-rollback
    lifecycle-rules lifecycle-selection lifecycle-tags-once lifecycle-untagged-once lifecycle-wildcards
    linear-percent listener-action listener-arn listener-ports-unique listeners-per-application-load-balancer
    listeners-per-network-load-balancer load-balancer-arn log-driver-router log-router-clients log-router-image
    log-routers managed-instances-ipc-mode managed-instances-network-mode managed-instances-scale-in-delay
    managed-instances-system managed-instances-type managed-instances-types managed-instances-volume max-receives
    maximum-percent mount-paths nat-gateway-addresses network-cidr network-load-balancer-arn on-demand-base
    peak-copies permission-resource permission-size permissions-size placement-expression prefix-list private-ca-arn
    public-repository-region public-text pull-through-prefixes-unique pull-through-rules pull-through-secret-key
    pull-time-exclusions-unique registry-credentials registry-policy-actions replication-unique-destinations
    repository-tag-key repository-tag-value repository-tags reserved-memory rollout-duration rollout-progress
    rollout-room rollout-total rule-condition-values rule-wildcards rule-wildcards-of-guide rules-per-load-balancer
    rules-per-security-group scaling-policies scanning-frequencies scheduled-actions secret-version service-arn
    shared-memory signing-region strategy-one-kind tag-exclusion-wildcards target-group-arn
    target-groups-per-load-balancer target-groups-per-service target-health-timeout-shorter target-percent
    targets-per-load-balancer targets-per-zone task-definition-size task-retries task-retry-interval task-timeout
    tasks-per-service template-prefixes-unique ulimit visibility-after-stop vpcs-per-region web-acl-arn
    windows-image windows-volumes working-directory zonal-shift-protocol zones-of-region
"""
"""The rows with another source: a guide, a CloudFormation schema, CDK, or botocore without a sentence of the limit."""
_RELATED = "it relates the value to others"
_ATTRIBUTE = "the value belongs to the key, whose documentation has its range"
DIFFERENT = {
    "dependency-on-an-end": _RELATED,
    "deregistration-delay": _ATTRIBUTE,
    "early-success-least": _RELATED,
    "fixed-response-type": "the documentation lists the values",
    "fargate-log-driver": "the shape covers all kinds of capacity, and the value is a log driver of CDK",
    "fargate-pid-mode": "the shape covers all kinds of capacity",
    "lattice-target-group": "the rule does not state the length of the ARN",
    "listener-idle-timeout": _ATTRIBUTE,
    "listener-protocol": "the shape covers all kinds of load balancers, and ECS registers no targets for QUIC",
    "none-mode-ports": _RELATED,
    "parameter-name": "the documentation says that 1,037 characters are reserved",
    "predicted-ahead": "the quote has a lower maximum than the shape",
    "pull-through-secret": "the value is the name of a secret, the shape is its ARN",
    "replication-region": "the value is a region that exists",
    "scaling-name": "CDK and moorage add a prefix of 16 characters",
    "scaling-names-unique": _RELATED,
    "scaling-policy-name": "moorage adds a prefix",
    "scanning-basic-frequency": "the shape also covers enhanced scanning",
    "signing-profile": "the rule does not state the length of the ARN",
    "stickiness-cookie-duration": _ATTRIBUTE,
    "stickiness-cookie-name": _ATTRIBUTE,
    "strategy-one-base": _RELATED,
    "strategy-weights": _RELATED,
    "target-health-grpc-path": "the quote has the form, and another row the length",
    "template-applied-for": "the value is a list",
    "windows-architecture": "the shape also covers Linux",
    "windows-file-system": _RELATED,
    "windows-network-mode": "the shape also covers Linux",
}
"""The rows that accept other values than the shape that they cite, each with its reason."""


TEXTS = (
    *(
        "",
        "a",
        "A",
        "ab",
        "aB",
        "a-b",
        "a--b",
        "a_b",
        "a__b",
        "a.b",
        "a..b",
        "a/b",
        "a//b",
        "/a",
        "a/",
        "-a",
        "a-",
        ".a",
    ),
    *("a.", "_a", "a_", "a*", "*", "*a", "a**b", "a b", " a", "a ", "a:b", "ROOT", "root", "eu-west-1", "123456789012"),
    *("1234567890123", "arn:aws:iam::123456789012:role/a", "arn:aws:iam::123456789012:user/a/b"),
    *("arn:aws:iam::123456789012:group/a", "arn:aws:signer:eu-west-1:123456789012:/signing-profiles/ab"),
    "arn:aws:vpc-lattice:eu-west-1:123456789012:targetgroup/tg-0123456789abcdef0",
)
"""The texts for which patterns and limits must agree."""


def shape_of(source: Botocore) -> tuple[dict[str, Any], str]:
    """Return the cited shape, or that of the cited member, and its documentation."""
    shapes = model(source.service)["shapes"]
    cited = shapes[source.shape]
    if not source.member:
        return cited, plain(cited.get("documentation", ""))
    member = cited["members"][source.member]
    return shapes[member["shape"]], plain(member.get("documentation", ""))


@functools.cache
def model(service: str) -> dict[str, Any]:
    loaded: dict[str, Any] = (
        botocore.session.Session().get_component("data_loader").load_service_model(service, "service-2")
    )
    return loaded


def plain(documentation: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", BLOCK.sub(" ", documentation))).split())


def ebs_documentation(member: str) -> str:
    return plain(model("ec2")["shapes"]["EbsBlockDevice"]["members"][member]["documentation"])


def numbers(text: str) -> set[float]:
    """Return the numbers in a text, including words, and the whole numbers in ranges such as 51678-51680."""
    found = {float(each.replace(",", "")) for each in NUMBER.findall(text)}
    found |= {float(number) for word, number in WORDS.items() if re.search(rf"\b{word}\b", text)}
    found |= {float(below) - 1 for below in re.findall(r"less than [a-z ]*?(\d+)", text)}
    for low, high in re.findall(r"\b(\d+) ?[-\u2013] ?(\d+)\b", text):
        found |= set(map(float, range(int(low), min(int(high), int(low) + 100))))
    return found


def test_rows_without_a_quote_are_listed() -> None:
    assert {name for name, row in ROWS.items() if isinstance(row.source, str)} == set(OTHER_SOURCES.split())
    assert set(QUOTED) >= DIFFERENT.keys()


@pytest.mark.parametrize("name", QUOTED)
def test_quotes_are_sentences_of_botocore(name: str) -> None:
    source = QUOTED[name]
    _, documentation = shape_of(source)
    assert source.quote in documentation
    assert source.quote or not documentation, f"the documentation has sentences: {documentation}"


@pytest.mark.parametrize("name", QUOTED)
def test_the_numbers_of_a_limit_are_in_the_sentence_or_the_shape(name: str) -> None:
    source = QUOTED[name]
    shape, _ = shape_of(source)
    said = numbers(f"{source.quote} {source.also} {shape.get('pattern', '')} {shape.get('min')} {shape.get('max')}")
    assert numbers(ROWS[name].rule) - LEAST <= said


@pytest.mark.parametrize("name", QUOTED)
def test_a_limit_accepts_the_values_of_its_shape(name: str) -> None:
    shape, _ = shape_of(QUOTED[name])
    row = ROWS[name]
    differences = [
        f"the shape ends at {end}"
        for end in {float(shape[end]) for end in ("min", "max") if end in shape} - LEAST - numbers(row.rule)
    ]
    differences += [f"{value} is refused" for value in shape.get("enum", ()) if not accepts(row, value)]
    if "pattern" in shape:
        pattern = shape["pattern"].replace(r"\p{Print}", r"[\x20-\x7e]")  # of Java
        low, high = int(shape.get("min", 0)), int(shape.get("max", 10000))
        for text in (*TEXTS, *(each * count for each in ("a", "1") for count in (low - 1, low, high, high + 1))):
            there = bool(re.fullmatch(pattern, text)) and low <= len(text) <= high
            if accepts(row, text) != there:
                differences.append(f"{text[:30]!r} ({len(text)}) is {'refused' if there else 'accepted'}")
    assert bool(differences) == (name in DIFFERENT), differences


@pytest.mark.parametrize(
    ("name", "value"), [("capability", r'"([A-Z_]+)"'), ("ebs-type", r"\b(gp\d|io\d|st1|sc1|standard)\b")]
)
def test_a_limit_accepts_the_values_of_its_quote(name: str, value: str) -> None:
    _, documentation = shape_of(QUOTED[name])
    listed = re.findall(value, documentation[documentation.index(QUOTED[name].quote) :])
    assert len(set(listed)) >= 7
    assert [each for each in listed if not accepts(ROWS[name], each)] == []


EBS_SIZES = re.findall(r"(\w+(?: and \w+)*): ([\d,]+) - ([\d,]+) GiB", ebs_documentation("VolumeSize"))
EBS_IOPS = re.findall(r"(\w+): ([\d,]+) - ([\d,]+) IOPS", ebs_documentation("Iops"))


@pytest.mark.parametrize(("types", "low", "high"), EBS_SIZES)
def test_an_ebs_volume_has_the_sizes_of_botocore(types: str, low: str, high: str) -> None:
    first, last = int(low.replace(",", "")), int(high.replace(",", ""))
    for volume_type in types.split(" and "):
        sizes = [(size, volume_type) for size in (first - 1, first, last, last + 1)]
        assert [volume_limits.EBS_SIZE.accepts(each) for each in sizes] == [False, True, True, False]


@pytest.mark.parametrize(("volume_type", "low", "high"), EBS_IOPS)
def test_an_ebs_volume_has_the_iops_of_botocore(volume_type: str, low: str, high: str) -> None:
    first, last = int(low.replace(",", "")), int(high.replace(",", ""))
    volumes = [(iops, volume_type, None) for iops in (first - 1, first, last, last + 1)]
    assert [volume_limits.EBS_IOPS.accepts(each) for each in volumes] == [False, True, True, False]


def test_botocore_has_all_types_of_ebs_volumes() -> None:
    assert len(EBS_SIZES) == 6
    assert len(EBS_IOPS) == 3


def accepts(row: Limit, value: Any) -> bool:
    try:
        return row.accepts(value)
    except (TypeError, AttributeError, ValueError, IndexError):
        return False
