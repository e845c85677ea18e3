"""The policies of one side: identity-based policies, trust policies of roles and resource-based policies."""

from __future__ import annotations

import enum
from collections import defaultdict
from collections.abc import Iterator, Mapping

import attrs

from moorage.assembly.cloud_assembly import Resource, mapping
from moorage.review.opened.iam_statements import (
    ANYONE,
    EVERYTHING,
    Among,
    Statement,
    own_account,
    principal,
    statement_of,
    statements_of,
)
from moorage.review.template.side import Constraint, Given, Scope, Side, root


class Field(enum.Enum):
    """The three kinds of policies."""

    IDENTITY = "identity"
    TRUST = "trust"
    RESOURCE = "resource"


@attrs.frozen
class Holder:
    """The identity or resource that has a policy.

    Args:
        field: The kind of the policy.
        text: The token of the identity or resource, or its name if the template does not define it.
    """

    field: Field
    text: str


_IDENTITIES = {"AWS::IAM::Role": "RoleName", "AWS::IAM::User": "UserName", "AWS::IAM::Group": "GroupName"}
_IDENTITY_POLICIES = {
    "AWS::IAM::Policy": ("Roles", "Users", "Groups"),
    "AWS::IAM::ManagedPolicy": ("Roles", "Users", "Groups"),
    "AWS::IAM::RolePolicy": ("RoleName",),
    "AWS::IAM::UserPolicy": ("UserName",),
    "AWS::IAM::GroupPolicy": ("GroupName",),
}
"""The properties that name the identities of a policy."""
_RESOURCE_POLICIES: Mapping[str, tuple[str, str | None]] = {
    "AWS::ApiGateway::RestApi": ("Policy", None),
    "AWS::Backup::BackupVault": ("AccessPolicy", None),
    "AWS::CodeArtifact::Domain": ("PermissionsPolicyDocument", None),
    "AWS::CodeArtifact::Repository": ("PermissionsPolicyDocument", None),
    "AWS::DynamoDB::Table": ("ResourcePolicy", None),
    "AWS::EC2::VPCEndpoint": ("PolicyDocument", None),
    "AWS::ECR::PublicRepository": ("RepositoryPolicyText", None),
    "AWS::ECR::RegistryPolicy": ("PolicyText", "the private ECR registry"),
    "AWS::ECR::Repository": ("RepositoryPolicyText", None),
    "AWS::EFS::FileSystem": ("FileSystemPolicy", None),
    "AWS::Elasticsearch::Domain": ("AccessPolicies", None),
    "AWS::Events::EventBus": ("Policy", None),
    "AWS::KMS::Key": ("KeyPolicy", None),
    "AWS::KMS::ReplicaKey": ("KeyPolicy", None),
    "AWS::Kinesis::ResourcePolicy": ("ResourcePolicy", "ResourceArn"),
    "AWS::Logs::ResourcePolicy": ("PolicyDocument", "the log groups"),
    "AWS::OpenSearchService::Domain": ("AccessPolicies", None),
    "AWS::S3::AccessPoint": ("Policy", None),
    "AWS::S3::BucketPolicy": ("PolicyDocument", "Bucket"),
    "AWS::SNS::TopicInlinePolicy": ("PolicyDocument", "TopicArn"),
    "AWS::SNS::TopicPolicy": ("PolicyDocument", "Topics"),
    "AWS::SQS::QueueInlinePolicy": ("PolicyDocument", "Queue"),
    "AWS::SQS::QueuePolicy": ("PolicyDocument", "Queues"),
    "AWS::SecretsManager::ResourcePolicy": ("ResourcePolicy", "SecretId"),
    "AWS::VpcLattice::AuthPolicy": ("Policy", "ResourceIdentifier"),
}
"""The property with the policy, and the property that names the resource (CloudFormation's provider schemas).

None means the resource itself; a text in `_ONCE` means something that exists once in an account and region.
"""
_ONCE = {"the private ECR registry", "the log groups"}
_FULL_ACCESS = {"Statement": {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}}
"""The policy that AWS attaches to a VPC endpoint without one
(AWS PrivateLink guide, "Control access to VPC endpoints using endpoint policies")."""
POWERFUL = ("AdministratorAccess", "IAMFullAccess", "PowerUserAccess")
"""The AWS managed policies that allow everything, everything in IAM, or everything except IAM."""
_PERMISSION_SET = "AWS::SSO::PermissionSet"
_ANY_CLIENT = {
    "Statement": {
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": [f"elasticfilesystem:Client{name}" for name in ("Mount", "Write", "RootAccess")],
        "Condition": {"Bool": {"elasticfilesystem:AccessedViaMountTarget": "true"}},
    }
}
"""The default policy of a file system: any client that reaches a mount target may do anything
(EFS user guide, "Default EFS file system policy")."""
_DEFAULTS = {"AWS::EC2::VPCEndpoint": _FULL_ACCESS, "AWS::EFS::FileSystem": _ANY_CLIENT}
_ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"


@attrs.frozen(eq=False)
class Policies:
    """The policies of all stacks before the change, or of all after it.

    Args:
        statements: A mapping from each holder to its statements.
        attached: A mapping from each holder to its managed policies that the templates do not define. Each of these
            policies is mapped to the conditions under which it is attached.
        _managed: A mapping from the token of each managed policy that the templates define to its statements.
        _attached_here: The tokens of the managed policies that the templates attach to an identity.
    """

    statements: dict[Holder, list[Statement]]
    attached: dict[Holder, dict[str, Given]]
    _managed: dict[str, list[Statement]] = attrs.field(factory=dict)
    _attached_here: set[str] = attrs.field(factory=set)

    @classmethod
    def of(cls, side: Side) -> Policies:
        """Return the policies of a side."""
        found = cls(defaultdict(list), defaultdict(dict))
        names = _named_identities(side)
        for scope, resource in side.resources(*_IDENTITY_POLICIES):
            found._add_identity_policy(scope, resource, names)
        for scope, resource in side.resources(*_IDENTITIES):
            found._attached_here.update(found._add_identity(scope, resource))
        for scope, resource in side.resources(_PERMISSION_SET):
            found._add_permission_set(scope, resource)
        for token in sorted(found._managed.keys() - found._attached_here):
            found._add(Field.IDENTITY, token, iter(found._managed[token]))
        for scope, resource in side.resources(*_RESOURCE_POLICIES):
            found._add_resource_policy(scope, resource)
        urls = {
            root(scope.text(resource.properties.get("TargetFunctionArn")))
            for scope, resource in side.resources("AWS::Lambda::Url")
        }
        for scope, resource in side.resources("AWS::Lambda::Permission"):
            properties = resource.properties
            by_url = "FunctionUrlAuthType" in properties or "InvokedViaFunctionUrl" in properties
            if not by_url or root(scope.text(properties.get("FunctionName"))) not in urls:
                found._add_permission(scope, resource)
        for scope, resource in side.resources("AWS::Events::EventBusPolicy"):
            found._add_event_bus_policy(scope, resource)
        return found

    def _add(self, field: Field, text: str, statements: Iterator[Statement]) -> None:
        self.statements[Holder(field, root(text))].extend(statements)

    def _add_identity_policy(self, scope: Scope, resource: Resource, names: Mapping[str, str]) -> None:
        properties = resource.properties
        targets = [
            (given, names.get(text, text))
            for name in _IDENTITY_POLICIES[resource.type]
            for given, item in scope.items(properties.get(name))
            for text in [scope.text(item)]
        ]
        document = properties.get("PolicyDocument")
        if resource.type == "AWS::IAM::ManagedPolicy":
            defined = statements_of(scope, document, resource, identity=True)
            self._managed[scope.token(resource.logical_id)] = list(defined)
            self._attached_here.update(scope.token(resource.logical_id) for _ in targets)
        for given, target in targets:
            self._add(Field.IDENTITY, target, statements_of(scope, document, resource, identity=True, given=given))

    def _add_identity(self, scope: Scope, resource: Resource) -> Iterator[str]:
        """Add the policies of an identity, and yield the managed policies that it names."""
        properties = resource.properties
        token = scope.token(resource.logical_id)
        for given, policy in scope.items(properties.get("Policies")):
            document = mapping(policy).get("PolicyDocument")
            self._add(Field.IDENTITY, token, statements_of(scope, document, resource, identity=True, given=given))
        for given, policy in scope.items(properties.get("ManagedPolicyArns")):
            text = scope.text(policy)
            yield root(text)
            self._attach(scope, resource, text, given)
        if resource.type == "AWS::IAM::Role":
            document = properties.get("AssumeRolePolicyDocument")
            self._add(Field.TRUST, token, statements_of(scope, document, resource, identity=False))

    def _add_permission_set(self, scope: Scope, resource: Resource) -> None:
        """Add the policies that IAM Identity Center attaches to the roles of a permission set."""
        properties = resource.properties
        document = properties.get("InlinePolicy")
        token = scope.token(resource.logical_id)
        self._add(Field.IDENTITY, token, statements_of(scope, document, resource, identity=True))
        for given, policy in scope.items(properties.get("ManagedPolicies")):
            self._attach(scope, resource, scope.text(policy), given)
        for given, policy in scope.items(properties.get("CustomerManagedPolicyReferences")):
            self._attach(scope, resource, scope.text(mapping(policy).get("Name")), given)

    def _attach(self, scope: Scope, resource: Resource, policy: str, given: Given) -> None:
        holder = Holder(Field.IDENTITY, scope.token(resource.logical_id))
        given |= scope.given(resource)
        defined = self._managed.get(root(policy))
        if policy == _ADMINISTRATOR:
            everyone = Among(frozenset({ANYONE}))
            self.statements[holder].append(
                Statement(
                    allows=True,
                    principals=everyone,
                    actions=EVERYTHING,
                    resources=EVERYTHING,
                    given=given,
                    names={"*": "*"},
                    source=resource,
                )
            )
        elif defined is not None:
            self.statements[holder].extend(attrs.evolve(each, given=each.given | given) for each in defined)
        else:
            self.attached[holder][policy] = given

    def _add_resource_policy(self, scope: Scope, resource: Resource) -> None:
        name, named_by = _RESOURCE_POLICIES[resource.type]
        properties = resource.properties
        document = properties.get(name)
        if resource.type == "AWS::DynamoDB::Table" and isinstance(document, Mapping):
            document = document.get("PolicyDocument")
        if document is None:
            document = _DEFAULTS.get(resource.type)
        targets = frozenset({scope.token(resource.logical_id)})
        if named_by in _ONCE:
            targets = frozenset({f"{named_by} in {scope.text({'Ref': 'AWS::Region'})}"})
        elif named_by:
            targets = scope.texts(properties.get(named_by))
        for target in sorted(targets):
            self._add(Field.RESOURCE, target, statements_of(scope, document, resource, identity=False))

    def _add_permission(self, scope: Scope, resource: Resource) -> None:
        """Add a Lambda permission, which is a statement whose conditions are properties of the resource."""
        properties = resource.properties
        function, who, action = (
            scope.text(properties.get(name, "")) for name in ("FunctionName", "Principal", "Action")
        )
        conditions = {
            "SourceArn": ("arnlike", "aws:SourceArn"),
            "SourceAccount": ("stringequals", "aws:SourceAccount"),
            "PrincipalOrgID": ("stringequals", "aws:PrincipalOrgID"),
            "EventSourceToken": ("stringequals", "lambda:EventSourceToken"),
            "FunctionUrlAuthType": ("stringequals", "lambda:FunctionUrlAuthType"),
        }
        given = scope.given(resource) | {
            Constraint(operator, key.lower(), values, key)
            for name, (operator, key) in conditions.items()
            if (values := scope.texts(properties.get(name)))
        }
        kind = "Service" if "amazonaws.com" in who else "AWS"
        statement = Statement(
            allows=True,
            principals=Among(frozenset({principal(scope, kind, who)})),
            actions=Among(frozenset({action.lower()})),
            resources=EVERYTHING,
            given=frozenset(given),
            names={action.lower(): action},
            source=resource,
        )
        self._add(Field.RESOURCE, function, iter([statement]))

    def _add_event_bus_policy(self, scope: Scope, resource: Resource) -> None:
        properties = resource.properties
        bus = scope.text(properties.get("EventBusName", f"the default event bus of {own_account(scope)}"))
        for given, stated in scope.items(properties.get("Statement", {"Effect": "Allow", **properties})):
            found = statement_of(scope, stated, resource, identity=False, given=given | scope.given(resource))
            if found:
                self._add(Field.RESOURCE, bus, iter([found]))


def _named_identities(side: Side) -> dict[str, str]:
    """Return a mapping from the name of each role, user and group that has a name in its template to its token."""
    found = {}
    for scope, resource in side.resources(*_IDENTITIES):
        name = resource.properties.get(_IDENTITIES[resource.type])
        if isinstance(name, str):
            found[name] = scope.token(resource.logical_id)
    return found
