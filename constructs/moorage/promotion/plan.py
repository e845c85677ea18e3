"""The plan of a promotion: the digests to write, and all problems that prevent it, found before anything is written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import attrs

from moorage.assembly.cloud_assembly import Stack
from moorage.assembly.image_references import References, Repository
from moorage.promotion.calls import Account, Clients
from moorage.promotion.images import Stage, StagedImage, stage_of
from moorage.promotion.problems import PromotionError, RequestError
from moorage.promotion.pushed import PushedImage, described, repository_name

NO_IMAGE = "none"
"""The value of a parameter before the first image, as for `Image.from_repository(placeholder=)`."""
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
"""The digest of an image (botocore ecr ImageDigest permits more; ECR computes SHA-256)."""
_TAG = re.compile(r":([A-Za-z0-9_][A-Za-z0-9_.-]{0,127})")
"""A tag, with the colon that distinguishes it from a stage (OCI distribution specification, "Pulling manifests")."""
SOURCE_PROFILE, TARGET_PROFILE = "--source-profile", "--profile"


@attrs.frozen
class Change:
    """The digest to write for the image of one container.

    Args:
        name: The name of the service, with that of the container if the service has several images.
        image: The image in the target.
        place: The account and the region of the SSM parameter.
        earlier: The value of the SSM parameter; None if the parameter does not exist.
        running: The earlier image; None for a new service, and if the repository no longer has the image.
        promoted: The image to promote.
    """

    name: str
    image: StagedImage
    place: Account
    earlier: str | None
    running: PushedImage | None
    promoted: PushedImage

    @property
    def is_needed(self) -> bool:
        """True if the parameter holds another value than the digest."""
        return self.earlier != self.promoted.digest


@attrs.frozen
class Request:
    """The services, the source and the target of a promotion.

    Args:
        services: The services, as the user named them.
        source: A stage, a digest, or a tag with a colon before it.
        target: The stage or the stack to promote to.
    """

    services: Sequence[str]
    source: str
    target: str


@attrs.frozen
class _Side:
    """The stage on one side of the promotion.

    Args:
        stage: The stage.
        clients: The clients for its account.
        option: The option that chooses the credentials.
    """

    stage: Stage
    clients: Clients = attrs.field(eq=False)
    option: str

    def place(self, image: StagedImage) -> Account:
        return Account(self.clients, image.account, image.region, self.option)


def plan(request: Request, stacks: Sequence[Stack], source: Clients, target: Clients) -> tuple[Change, ...]:
    """Check a promotion, without writing, and return the digests to write.

    Args:
        request: The services, the source and the target.
        stacks: The stacks of the app.
        source: The clients for the account of the source.
        target: The clients for the account of the target.

    Raises:
        RequestError: The app does not have the stage or a service, or the source is the target.
        PromotionError: The promotion cannot be made. The error has all problems.
    """
    if not stacks:
        raise RequestError("the app has no stacks; synthesize an app with stages")
    references = References(stacks)
    there = _Side(stage_of(request.target, stacks, references), target, TARGET_PROFILE)
    images = there.stage.chosen(request.services)
    here = _source(request, stacks, references, source)
    problems: list[str] = []
    counterparts: dict[StagedImage, StagedImage] = {}
    if here:
        counterparts = dict(_counterparts(images, here.stage, problems))
        images = tuple(counterparts)
    refused = _misplaced(there, images, problems)
    if here:
        misplaced = _misplaced(here, tuple(counterparts.values()), problems)
        refused |= {own for own, other in counterparts.items() if other in misplaced}
    changes = []
    for image in images:
        if image not in refused:
            try:
                digest = _stated(here, counterparts[image]) if here else request.source
                changes.append(_change(there, image, digest))
            except PromotionError as error:
                problems += error.problems
    problems += _conflicts(changes)
    if problems:
        raise PromotionError(*dict.fromkeys(problems))
    return tuple(changes)


def _source(request: Request, stacks: Sequence[Stack], references: References, clients: Clients) -> _Side | None:
    """Return the source if it is a stage; None for a digest or a tag."""
    given = request.source
    if DIGEST.fullmatch(given) or _TAG.fullmatch(given):
        return None
    if given.startswith(("sha256:", ":")):
        raise RequestError(
            f"SOURCE must be a stage, a digest of 64 lowercase hexadecimal digits after sha256:, or a tag with a colon "
            f"before it (got {given}); use staging, sha256:... or :1.7.0"
        )
    if given == request.target:
        raise RequestError(f"SOURCE and TARGET must be different stages (got {given} twice); name another SOURCE")
    return _Side(stage_of(given, stacks, references), clients, SOURCE_PROFILE)


def _counterparts(
    images: Sequence[StagedImage], source: Stage, problems: list[str]
) -> Iterator[tuple[StagedImage, StagedImage]]:
    """Yield each image with that of the same service and container in the source."""
    known = {(image.service, image.container): image for image in source.images}
    for image in images:
        key = image.service, image.container
        if key in known:
            yield image, known[key]
        else:
            problems.append(
                f"{image.service}: {source.name} has no container {image.container} of {image.service} whose digest an "
                "SSM parameter holds; promote a digest or a tag instead of a stage"
            )


def _misplaced(side: _Side, images: Sequence[StagedImage], problems: list[str]) -> set[StagedImage]:
    """Return the images in accounts that the credentials are not for, and add the problems."""
    wrong = set()
    for place in dict.fromkeys(side.place(image) for image in images):
        try:
            identity = place.call("sts", "GetCallerIdentity", "the credentials") or {}
        except PromotionError as error:
            problems += error.problems
        else:
            own = identity.get("Account")
            if place.account in {None, own}:
                continue
            problems.append(
                f"{side.stage.name} is in the account {place.account}, and the credentials are for the account {own}; "
                f"choose an AWS profile for {place.account} with {side.option}"
            )
        wrong |= {image for image in images if side.place(image) == place}
    return wrong


def _stated(side: _Side, image: StagedImage) -> str:
    """Return the digest that the parameter of the source holds."""
    value, name, place = _value(side.place(image), image), image.reference.parameter, side.place(image)
    if value is None:
        raise PromotionError(
            f"{image.service}: there is no SSM parameter {name} of {side.stage.name} in {place}; push an image, and "
            "write its digest to the parameter"
        )
    if value == NO_IMAGE:
        raise PromotionError(
            f"{image.service}: {side.stage.name} has no image yet, since the SSM parameter {name} in {place} is "
            f"{NO_IMAGE}; push an image, and write its digest to the parameter"
        )
    if not DIGEST.fullmatch(value):
        raise PromotionError(
            f"{image.service}: the SSM parameter {name} of {side.stage.name} in {place} must hold a digest (got "
            f"{value[:80]}); write the digest of an image, sha256:..., to the parameter"
        )
    return value


def _value(place: Account, image: StagedImage) -> str | None:
    """Return the value of the SSM parameter of an image; None if the parameter does not exist."""
    name = image.reference.parameter
    answer = place.call("ssm", "GetParameter", name, missing={"ParameterNotFound"}, Name=name)
    if answer is None:
        return None
    found: Mapping[str, str] = answer["Parameter"]
    if found["Type"] != "String":
        raise PromotionError(
            f"{image.service}: the SSM parameter {name} in {place} must be of type String (got {found['Type']}), which "
            "CloudFormation reads; delete the parameter, and create it again"
        )
    return found["Value"]


def _change(side: _Side, image: StagedImage, wanted: str) -> Change:
    """Return the change of one parameter.

    Args:
        side: The target.
        image: The image in the target.
        wanted: The digest, or the tag with a colon before it.
    """
    place, repository = side.place(image), image.reference.repository
    if repository is None:
        raise PromotionError(
            f"{image.service}: the template of {image.stack} does not show the private ECR repository of the container "
            f"{image.container}; name the repository in the app"
        )
    earlier = _value(place, image)
    registry = attrs.evolve(place, region=repository.region or place.region)
    name = repository_name(registry, repository)
    promoted = described(registry, repository, name, wanted)
    if promoted is None:
        raise PromotionError(_not_there(image, registry, repository, name, wanted))
    if promoted.is_archived:
        raise PromotionError(
            f"{image.service}: the image {promoted.digest} in the repository {name} is archived; restore it to "
            "standard storage, and try again"
        )
    running = None
    if earlier and DIGEST.fullmatch(earlier) and earlier != promoted.digest:
        running = described(registry, repository, name, earlier)
    several = sum(other.service == image.service for other in side.stage.images) > 1
    shown = f"{image.service} ({image.container})" if several else image.service
    return Change(shown, image, place, earlier, running, promoted)


def _not_there(image: StagedImage, registry: Account, repository: Repository, name: str, wanted: str) -> str:
    owner = f"{repository.account or registry.account or 'the account of the credentials'} {registry.region or ''}"
    said = f"with the tag {wanted[1:]}" if wanted.startswith(":") else wanted
    return (
        f"{image.service}: the repository {name} in {owner.strip()} has no image {said}; if it is replicated there, "
        "wait some minutes and try again, otherwise push it there"
    )


def _conflicts(changes: Sequence[Change]) -> Iterator[str]:
    """Yield the problems of parameters that are to hold several digests."""
    by_parameter: dict[tuple[str | None, str | None, str], list[Change]] = {}
    for change in changes:
        by_parameter.setdefault(change.image.parameter, []).append(change)
    for group in by_parameter.values():
        if len({change.promoted.digest for change in group}) > 1:
            yield (
                f"{', '.join(change.name for change in group)} share the SSM parameter "
                f"{group[0].image.reference.parameter}, and have different digests in the source; promote a digest"
            )
