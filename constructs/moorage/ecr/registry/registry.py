"""The registry of an account and region: scanning, replication, caches, templates, signing, audit and policy."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from constructs import Construct

from moorage.ecr.registry.app_checks import (
    RegistryRecord,
    cycle_errors,
    find_second_registry,
    replication_errors,
    repositories_of,
    tag_errors,
)
from moorage.ecr.registry.audit_trail import AuditTrail, check_removal, define_trail
from moorage.ecr.registry.define_settings import (
    define_exclusions,
    define_replication,
    define_scanning,
    define_signing,
)
from moorage.ecr.registry.define_templates import define_templates
from moorage.ecr.registry.pull_through import PullThrough
from moorage.ecr.registry.registry_checks import (
    check_caches,
    check_exclusions,
    check_policy,
    check_signing,
    check_templates,
)
from moorage.ecr.registry.registry_events import RegistryEvents, check_event_key
from moorage.ecr.registry.registry_metrics import RegistryMetrics
from moorage.ecr.registry.replication import Replication, ReplicationDestination, ReplicationSource, check_rules
from moorage.ecr.registry.replication_origins import OriginRecord, copy_statement, copy_statements, copy_templates
from moorage.ecr.registry.repository_templates import (
    PULL_THROUGH_CACHE,
    RepositoryTemplate,
    SigningRule,
)
from moorage.ecr.registry.scanning import Scanning
from moorage.ecr.repository.repository_record import RepositoryRecord
from moorage.scope.acknowledgements import POLICY_OF_ONE_ROLE, acknowledge
from moorage.scope.claimed_names import exists
from moorage.scope.inventory import register, registered, still_registered
from moorage.scope.place import Place, has_stack, place_of, stage_path
from moorage.scope.stage_validation import add_stage_check
from moorage.workload.door import door
from moorage.workload.problems import Problems

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms

DEFAULT_SCANNING = Scanning.basic()
DEFAULT_AUDIT_TRAIL = AuditTrail.existing()
UNMATCHED_FILTER_WARNING = "@moorage/ecr:filter-unmatched"
SECOND_REGISTRY_WARNING = "@moorage/ecr:second-registry"
TEMPLATE_REACH_WARNING = "@moorage/ecr:template-reach"
_CACHE_IMPORT_ACTIONS = ("ecr:BatchImportUpstreamImage", "ecr:CreateRepository")
_PULL_ACTIONS = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
_CACHE_ROLE_ACTIONS = (
    "ecr:BatchGetImage",
    "ecr:BatchImportUpstreamImage",
    "ecr:CompleteLayerUpload",
    "ecr:GetAuthorizationToken",
    "ecr:GetDownloadUrlForLayer",
    "ecr:GetImageCopyStatus",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
)


@door
class Registry(RegistryEvents, RegistryMetrics):
    """The private registry of an account and region. A second `Registry` for the same account and region is an error.

    By default, images are scanned when they are pushed. Repositories that ECR creates for replicated or cached images
    have the settings of a `Repository`.

    CloudFormation does not take over existing resources. The first deployment fails with `AlreadyExists` if the account
    and region already have a registry policy, replication rules, or the same cache, creation template or exclusion.
    Import these resources with `cdk import`, which asks for their identifiers: the account ID for the policy and the
    replication, the prefix for a cache or a template, the ARN for an exclusion. Alternatively, delete these resources
    first, for example with `aws ecr delete-registry-policy`. The same applies if the construct is renamed or moved to
    another stack: first deploy once without the construct.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        scanning: Scanning = DEFAULT_SCANNING,
        replication: Sequence[Replication] = (),
        replicates_from: Sequence[Registry | ReplicationSource] = (),
        pull_through: Sequence[PullThrough] = (),
        templates: Sequence[RepositoryTemplate] = (),
        policy: Sequence[iam.PolicyStatement] = (),
        signing: Sequence[SigningRule] = (),
        pull_time_exclusions: Sequence[iam.IRole | iam.IUser | str] = (),
        audit: AuditTrail = DEFAULT_AUDIT_TRAIL,
        event_key: kms.IKey | None = None,
        removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.RETAIN,
    ) -> None:
        """Define the settings of the private registry, once in each account and region.

        By default, images are scanned when they are pushed.

        Args:
            scope: The scope in which to define this construct.
            construct_id: The ID of the construct in its scope.
            scanning: The scanning of images: `Scanning.basic()`, or `Scanning.enhanced()` by Amazon Inspector.
                Default: `Scanning.basic()`, which scans on push.
            replication: The replication to other regions and accounts. An output lists the requirements of each
                destination that no registry of this app defines. Default: none.
            replicates_from: The sources of replicated images: a `Registry` of this app, or a `ReplicationSource` in
                another app. Each source is granted permission to replicate, and the repositories get the settings of
                its `Replication`s. Default: none.
            pull_through: The pull through caches of other registries. Default: none.
            templates: The creation templates of other repositories, such as those that ECR creates on push.
                Default: none.
            policy: Further statements of the registry policy. Default: none.
            signing: The rules by which AWS Signer signs images on push. Default: none.
            pull_time_exclusions: The roles and users whose pulls do not count for `unpulled_for`, such as scanners, or
                their ARNs. Refer to each in the same way in all deployments: by its construct or by its ARN.
                Default: none.
            audit: The CloudTrail trail that records ECR API calls. Default: `AuditTrail.existing()`.
            event_key: The KMS key of the dead-letter queue of events. EventBridge is allowed to use the key; the policy
                of an imported key must already allow this. Default: a new key, defined with the first target that needs
                the queue.
            removal_policy: The removal policy of the trail's key and bucket. `DESTROY` needs
                `AuditTrail.own(auto_delete_objects=True)`. Default: `RETAIN`.

        Raises:
            ValueError: If the account and region already have a registry, ECR would not accept an argument, or
                arguments contradict each other.
        """
        self._place: Place = place_of(scope)
        problems = Problems(lambda: f"{scope.node.path}/{construct_id}")
        stack_path = cdk.Stack.of(scope).node.path
        registries = still_registered(scope, RegistryRecord)
        second, possible_path = find_second_registry(stack_path, stage_path(scope), self._place, registries)
        if second:
            problems.add(f"an account and region must have only one Registry (got {second} already); use {second}")
        check_rules(replication, self._place, problems)
        origins = tuple(each._record if isinstance(each, Registry) else each for each in replicates_from)
        statements = [*policy, *copy_statements(origins, cdk.Stack.of(scope), self._place, problems)]
        check_policy(statements, scope, problems)
        check_caches(pull_through, scope, problems)
        all_templates = [*templates, *copy_templates(origins, self._place), *_cache_templates(pull_through)]
        merged_templates = check_templates(all_templates, scope, problems)
        check_signing(signing, scope, problems)
        check_exclusions(pull_time_exclusions, scope, problems)
        check_event_key(event_key, scope, problems)
        check_removal(audit, removal_policy, problems)
        problems.raise_any()

        super().__init__(scope, construct_id)
        self._scanning = scanning
        self.replication = tuple(replication)
        self._replicates_from = tuple(replicates_from)
        self._signing = tuple(signing)
        self._event_key = event_key
        self._policy: iam.PolicyDocument | None = None
        self.node.default_child = define_scanning(self, scanning)
        define_replication(self, self.replication)
        define_signing(self, self._signing)
        define_exclusions(self, pull_time_exclusions)
        self.templates = define_templates(self, merged_templates)
        for cache in pull_through:
            self._define_cache(cache)
        for statement in statements:
            self.add_to_resource_policy(statement)
        self.trail = define_trail(self, audit, removal_policy)
        self.trail_arn = self.trail.trail_arn if self.trail else audit._arn_in(cdk.Stack.of(self))
        self._record: RegistryRecord = self._describe(stack_path, origins)
        self._register(possible_path)

    def add_to_resource_policy(self, statement: iam.PolicyStatement) -> None:
        """Add a statement to the registry policy, which grants permissions to other accounts.

        Args:
            statement: The statement to add.
        """
        if self._policy is None:
            self._policy = iam.PolicyDocument()
            ecr.CfnRegistryPolicy(self, "Policy", policy_text=self._policy)
        self._policy.add_statements(statement)

    def grant_pull_through(self, grantee: iam.IGrantable, cache: PullThrough) -> iam.Grant:
        """Grant permission to pull through a cache of this registry, including images that are not cached yet.

        An account or organization gets its permission to import images and to create repositories from the registry
        policy. Let the grantee pull with `PullThrough(settings=RepositorySettings(policy=[...]))`, a policy of the
        cached repositories. The grantee's roles need the same permissions, which
        `Image.from_repository(pull_through=True)` grants to a task.

        Args:
            grantee: The principal that receives the permission.
            cache: The pull through cache of this registry.
        """
        names = "*" if cache.prefix == "ROOT" else f"{cache.prefix.rstrip('/')}/*"
        iam.Grant.add_to_principal(grantee=grantee, actions=["ecr:GetAuthorizationToken"], resource_arns=["*"])
        arn = _repository_arn(self, names)
        grant = iam.Grant.add_to_principal(
            grantee=grantee, actions=[*_CACHE_IMPORT_ACTIONS, *_PULL_ACTIONS], resource_arns=[arn]
        )
        if not grant.success:  # accounts and organizations have no policy of their own
            self.add_to_resource_policy(
                iam.PolicyStatement(
                    principals=[grantee.grant_principal], actions=list(_CACHE_IMPORT_ACTIONS), resources=[arn]
                )
            )
        return grant

    def grant_sign(self, grantee: iam.IGrantable) -> iam.Grant:
        """Grant a principal that pushes images permission to sign them with the profiles of `signing`.

        Args:
            grantee: The principal that receives the permission.
        """
        return iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["signer:SignPayload"],
            resource_arns=[each.profile for each in self._signing],
        )

    def _define_cache(self, cache: PullThrough) -> None:
        name = f"Cache {cache.prefix.rstrip('/')}"
        role = None
        if cache.account is not None:
            role = iam.Role(self, f"{name} role", assumed_by=iam.ServicePrincipal("pullthroughcache.ecr.amazonaws.com"))
            role.add_to_policy(iam.PolicyStatement(actions=list(_CACHE_ROLE_ACTIONS), resources=["*"]))
            acknowledge(role, *POLICY_OF_ONE_ROLE)
            acknowledge(
                role,
                "iam-wildcard",
                "the repositories of the other account have names that are not known before images are pulled",
                actions=_CACHE_ROLE_ACTIONS,
            )
        rule = ecr.CfnPullThroughCacheRule(
            self,
            name,
            ecr_repository_prefix=cache.prefix,
            upstream_registry=cache.upstream,
            upstream_registry_url=cache.url,
            upstream_repository_prefix=cache.upstream_prefix,
            credential_arn=cache.secret.secret_arn if cache.secret else None,
            custom_role_arn=role.role_arn if role else None,
        )
        rule.node.add_dependency(self.templates[cache.prefix.rstrip("/")])

    def _describe(self, stack_path: str, origins: tuple[OriginRecord, ...]) -> RegistryRecord:
        """Return the record of the registry for the inventory of its app."""
        return RegistryRecord(
            self.node.path,
            stack_path,
            stage_path(self),
            self._place,
            self.replication,
            origins,
        )

    def _register(self, possible_path: str | None) -> None:
        """Record the registry and its check in the app, define the outputs of destinations, and warn of doubtful rules.

        The outputs that other registries of the app have for this registry are removed.
        """
        if possible_path:
            cdk.Annotations.of(self).add_warning_v2(
                SECOND_REGISTRY_WARNING,
                f"{possible_path} may be in the same account and region, which can have only one Registry; use env= "
                "for both stacks if their accounts or regions differ, or remove one of the registries",
            )
        for rule in self.replication:
            for replica in rule.to:
                self._output_requirements(rule, replica)
        for origin in self._replicates_from:
            if isinstance(origin, Registry):
                origin._remove_outputs_for(self)
            for prefix in (prefix for rule in origin.replication for prefix in rule._prefixes_without_template):
                cdk.Annotations.of(self).add_warning_v2(
                    TEMPLATE_REACH_WARNING,
                    f"replication of {prefix!r} also creates repositories with mutable tags and without a creation "
                    "template, since a template applies only below 'prefix/'; end the prefix with '/', or "
                    "define the repositories in this app",
                )
        register(self, self._record)
        add_stage_check(self, self._check_in_app)

    def _check_in_app(self) -> list[str]:
        """Return the errors that only the complete app shows, and warn about filters that match no repository."""
        if not exists(self):
            return []
        registries = still_registered(self, RegistryRecord)
        repositories = repositories_of(self._record, registered(self, RepositoryRecord))
        names = [each.name for each in repositories]
        unmatched = {
            "scanning": self._scanning._unmatched_filters(names),
            "signing": [each for rule in self._signing for each in rule._unmatched_filters(names)],
            "replication": [each for rule in self.replication for each in rule._unmatched_prefixes(names)],
        }
        got = [f"{each!r} in {argument}" for argument, filters in unmatched.items() for each in dict.fromkeys(filters)]
        if names and got:
            cdk.Annotations.of(self).add_warning_v2(
                UNMATCHED_FILTER_WARNING,
                "each filter of scanning, signing and replication should match a repository that this app defines in "
                f"the registry (got {', '.join(got)}); use a filter that matches a repository such as "
                f"{', '.join(sorted(names)[:5])}, or acknowledge this warning if the filter matches other repositories",
            )
        return [
            *replication_errors(self._record, registries, functools.partial(has_stack, self)),
            *(error for each in repositories for error in tag_errors(self._record, each)),
            *cycle_errors(self._record, registries),
        ]

    def _output_requirements(self, rule: Replication, replica: ReplicationDestination) -> None:
        """Define an output with the policy and the creation templates that a destination needs."""
        stack = cdk.Stack.of(self)
        is_cross_account = replica.account is not None and replica.account != self._place[0]
        requirements = {"creationTemplates": list(rule._template_prefixes)}
        statements = [
            copy_statement(rule, stack.account, f"arn:{stack.partition}:ecr:{replica.region}:{replica.account}")
        ]
        policy = {"registryPolicy": [each.to_statement_json() for each in statements]} if is_cross_account else {}
        permission_text = "let this account in by its registry's policy, as below, and " if is_cross_account else ""
        cdk.CfnOutput(
            self,
            _output_id(replica, self.replication.index(rule)),
            description=f"To take copies of {rule._description}, ECR in {replica._description} must {permission_text}"
            f"have creation templates ({rule.settings._description}), or the repositories it makes are mutable; "
            "moorage.Registry(replicates_from=[ReplicationSource(...)]) there defines both"[:1024],
            value=stack.to_json_string({**policy, **requirements}),
        )

    def _remove_outputs_for(self, destination: Registry) -> None:
        """Remove the outputs for `destination`, which a registry that this app defines does not need."""
        for number, rule in enumerate(self.replication):
            for replica in rule.to:
                if replica._place_from(self._place) == destination._place:
                    self.node.try_remove_child(_output_id(replica, number))


def _output_id(replica: ReplicationDestination, number: int) -> str:
    owner = f" of {replica.account}" if replica.account else ""
    return f"Copies {number} to {replica.region}{owner}"


def _repository_arn(scope: Construct, names: str) -> str:
    return cdk.Stack.of(scope).format_arn(service="ecr", resource="repository", resource_name=names)


def _cache_templates(caches: Sequence[PullThrough]) -> list[RepositoryTemplate]:
    """Return the creation templates of the repositories that ECR creates for caches."""
    return [
        RepositoryTemplate(cache.prefix.rstrip("/"), cache.settings, applied_for=PULL_THROUGH_CACHE) for cache in caches
    ]
