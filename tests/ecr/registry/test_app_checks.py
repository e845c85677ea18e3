"""The checks of registries that need their complete app, with plain records and without CDK."""

from __future__ import annotations

import subprocess
import sys

import pytest

from moorage import Replication, ReplicationDestination, ReplicationSource, RepositorySettings
from moorage.ecr.registry.app_checks import (
    RegistryRecord,
    cycle_errors,
    find_second_registry,
    replication_errors,
    repositories_of,
    tag_errors,
)
from moorage.ecr.repository.repository_record import RepositoryRecord
from moorage.ecr.repository.repository_settings import TagMutability
from moorage.scope.place import Place

OURS, THEIRS = "111111111111", "222222222222"
HERE: Place = (OURS, "eu-west-1")
THERE: Place = (OURS, "us-east-1")
UNKNOWN: Place = (None, None)
TO_THERE, TO_HERE = Replication(to="us-east-1"), Replication(to="eu-west-1")


def registry(
    name: str,
    place: Place,
    *replication: Replication,
    replicates_from: tuple[RegistryRecord | ReplicationSource, ...] = (),
    stage: str | None = "",
) -> RegistryRecord:
    return RegistryRecord(f"{name}/Registry", name, stage, place, replication, replicates_from)


def repository(
    name: str, place: Place = HERE, stage: str | None = "", tags: TagMutability | None = None
) -> RepositoryRecord:
    return RepositoryRecord(f"Shop/{name}", name, place, stage, tags or TagMutability(immutable=True))


def everywhere(_: Place) -> bool:
    return True


def nowhere(_: Place) -> bool:
    return False


@pytest.mark.parametrize(
    ("stack", "place", "found"),
    [
        ("One", HERE, ("One/Registry", None)),
        ("One", UNKNOWN, ("One/Registry", None)),
        ("Two", HERE, ("One/Registry", None)),
        ("Two", (None, "eu-west-1"), (None, "One/Registry")),
        ("Two", (OURS, None), (None, "One/Registry")),
        ("Two", UNKNOWN, (None, "One/Registry")),
        ("Two", (None, "us-east-1"), (None, None)),
        ("Two", (THEIRS, None), (None, None)),
        ("Two", THERE, (None, None)),
        ("Two", (THEIRS, "eu-west-1"), (None, None)),
    ],
)
def test_a_second_registry_is_certain_only_if_its_account_and_region_are_known(
    stack: str, place: Place, found: tuple[str | None, str | None]
) -> None:
    assert find_second_registry(stack, "", place, [registry("One", HERE)]) == found


def test_stages_are_assumed_to_differ_unless_their_places_are_known() -> None:
    registries = [registry("Dev/One", UNKNOWN, stage="Dev"), registry("Dev/Two", HERE, stage="Dev")]
    assert find_second_registry("Prod/One", "Prod", UNKNOWN, registries) == (None, None)
    assert find_second_registry("Prod/One", "Prod", HERE, registries) == ("Dev/Two/Registry", None)


def test_a_certain_second_registry_takes_precedence_over_a_possible_one() -> None:
    registries = [registry("Unknown", UNKNOWN), registry("One", HERE)]
    assert find_second_registry("Two", "", HERE, registries) == ("One/Registry", None)


def test_the_repositories_of_a_registry_are_in_its_place_and_stage() -> None:
    ours = repository("web")
    others = [repository("web", THERE), repository("web", stage="Test"), repository("web", UNKNOWN)]
    assert repositories_of(registry("Shop", HERE), [*others, ours]) == [ours]
    unknown = repository("web", UNKNOWN)
    assert repositories_of(registry("Shop", UNKNOWN), [ours, unknown]) == [unknown]


def test_a_destination_needs_a_registry_only_if_the_app_has_a_stack_there() -> None:
    source = registry("One", HERE, TO_THERE)
    (error,) = replication_errors(source, [source], everywhere)
    assert error.startswith("One/Registry replicates all repositories to us-east-1, where this app has stacks but")
    assert not list(replication_errors(source, [source], nowhere))


def test_the_stacks_of_an_app_are_read_only_for_a_destination_without_a_registry() -> None:
    asked: list[Place] = []

    def has_stack(place: Place) -> bool:
        asked.append(place)
        return False

    source = registry("One", HERE, TO_THERE, Replication(to="ap-south-1"))
    destination = registry("Two", THERE, replicates_from=(source,))
    assert not list(replication_errors(source, [source, destination], has_stack))
    assert asked == [(OURS, "ap-south-1")]


def test_a_destination_of_another_app_or_an_unknown_account_is_not_checked() -> None:
    elsewhere = registry("One", HERE, Replication(to=ReplicationDestination("us-east-1", managed_elsewhere=True)))
    unknown = registry("One", UNKNOWN, TO_THERE)
    for source in (elsewhere, unknown):
        assert not list(replication_errors(source, [source], everywhere))


def test_a_destination_accepts_a_registry_or_the_same_rules_of_its_account() -> None:
    source = registry("One", HERE, TO_THERE)
    for origin in (source, ReplicationSource(OURS, TO_THERE)):
        assert not list(replication_errors(source, [registry("Two", THERE, replicates_from=(origin,))], everywhere))
    changed = Replication(to="us-east-1", settings=RepositorySettings(mutable_tags=["latest"]))
    other = registry("Other", ("333333333333", "eu-west-1"), TO_THERE)
    for origins in ((), (ReplicationSource(OURS, changed),), (ReplicationSource(THEIRS, TO_THERE),), (other,)):
        (error,) = replication_errors(source, [registry("Two", THERE, replicates_from=origins)], everywhere)
        assert (
            "but replicates_from of Two/Registry has no entry for One/Registry, or an entry with other settings"
            in error
        )


def test_tags_that_are_mutable_only_at_the_source_are_an_error() -> None:
    source = registry("Shop", HERE, Replication(prefix="prod/", to="us-east-1"))
    mutable = TagMutability(immutable=True, exclusions=("dev-1",))
    (error,) = tag_errors(source, repository("prod/web", tags=mutable))
    assert "Shop/prod/web has mutable tags ('dev-1'), but Shop/Registry replicates the repository" in error
    assert not list(tag_errors(source, repository("prod/web")))
    assert not list(tag_errors(source, repository("dev/web", tags=mutable)))


def test_tags_may_be_mutable_at_the_source_if_they_are_at_the_destination() -> None:
    settings = RepositorySettings(mutable_tags=["latest"])
    source = registry("Shop", HERE, Replication(to="us-east-1", settings=settings))
    assert not list(tag_errors(source, repository("web", tags=TagMutability(immutable=True, exclusions=("latest",)))))
    (error,) = tag_errors(source, repository("web", tags=TagMutability(immutable=True, exclusions=("latest", "dev"))))
    assert "('dev')" in error


def test_a_circle_is_reported_by_its_first_registry_only() -> None:
    one, two = registry("One", HERE, TO_THERE), registry("Two", THERE, TO_HERE)
    (error,) = cycle_errors(one, [one, two])
    assert error.startswith("One/Registry -> Two/Registry -> One/Registry is a replication cycle")
    assert not list(cycle_errors(two, [one, two]))


def test_a_registry_of_an_unknown_account_is_in_no_circle() -> None:
    one, two = registry("One", (None, "eu-west-1"), TO_THERE), registry("Two", (None, "us-east-1"), TO_HERE)
    assert not list(cycle_errors(one, [one, two]))


def test_the_checks_do_not_import_cdk() -> None:
    code = (
        "import sys, moorage.ecr.registry.app_checks, moorage.ecr.repository.repository_record;"
        "print([name for name in sys.modules if name.startswith(('aws_cdk', 'jsii', 'constructs'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_tags_may_move_in_a_copy_that_do_not_move_here() -> None:
    settings = RepositorySettings(mutable_tags=["dev*", "latest"])
    source = registry("One", HERE, Replication(to="us-east-1", settings=settings))
    assert list(tag_errors(source, repository("Web", tags=TagMutability(immutable=True, exclusions=("dev*",))))) == []
