"""The registry of Amazon ECR: the settings that each account has once in a region, and their API.

ministack has only repositories and images.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping
from typing import Any

from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region

from moorage.local.server.core.adapter import iam_evaluator as iam
from moorage.local.server.core.adapter import secretsmanager
from moorage.local.server.core.calls import RefusedError
from moorage.local.server.services import documents

Parameters = dict[str, Any]

_SETTINGS: Mapping[str, tuple[str, ...]] = {
    "BASIC_SCAN_TYPE_VERSION": ("AWS_NATIVE",),
    "BLOB_MOUNTING": ("DISABLED", "ENABLED"),
    "REGISTRY_POLICY_SCOPE": ("V2",),
}
"""The account settings and their valid values, the default first (botocore ecr: PutAccountSettingRequest.value)."""
_UPSTREAM = {
    "public.ecr.aws": "ecr-public",
    "quay.io": "quay",
    "registry.k8s.io": "k8s",
    "registry-1.docker.io": "docker-hub",
    "ghcr.io": "github-container-registry",
    "registry.gitlab.com": "gitlab-container-registry",
    "cgr.dev": "chainguard",
}
_WITH_CREDENTIAL = {
    "azure-container-registry", "chainguard", "docker-hub", "github-container-registry", "gitlab-container-registry",
}  # fmt: skip
_MOST_CACHE_RULES = 50
_TEMPLATE: Mapping[str, Any] = {
    "encryptionConfiguration": {"encryptionType": "AES256"},
    "imageTagMutability": "MUTABLE",
    "resourceTags": [],
}

_one = AccountRegionScopedDict()
_cache_rules = AccountRegionScopedDict()
_templates = AccountRegionScopedDict()
_exclusions = AccountRegionScopedDict()
_settings = AccountRegionScopedDict()


def _now() -> float:
    return dt.datetime.now(dt.UTC).timestamp()


def iso(seconds: float) -> str:
    """Return a time in seconds since 1970 in CloudFormation's format."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="milliseconds")


def is_set(setting: str) -> bool:
    """Return whether the registry has a setting: `policy`, `replication`, `scanning` or `signing`."""
    return setting in _one


def setting(name: str, default: Parameters) -> Parameters:
    """Return a setting of the registry, or the default if the registry does not have it."""
    value: Parameters = _one.get(name, default)
    return value


def put(name: str, value: Any) -> None:
    """Change a setting of the registry."""
    _one[name] = value


def reset(name: str) -> None:
    """Reset a setting of the registry to its default."""
    _one.pop(name, None)


def _of_registry(**more: Any) -> Parameters:
    return {"registryId": get_account_id(), **more}


def policy() -> str | None:
    """Return the policy of the registry of this account and region; None if it has no policy."""
    text: str | None = _one.get("policy")
    return text


def replication_rules() -> list[Parameters]:
    """Return the replication rules of this registry."""
    rules: list[Parameters] = setting("replication", {"rules": []})["rules"]
    return rules


def signing_rules() -> list[Parameters]:
    """Return the signing rules of this registry."""
    rules: list[Parameters] = setting("signing", {"rules": []})["rules"]
    return rules


def template(repository: str, applied_for: str) -> Parameters | None:
    """Return the creation template for a repository that ECR creates on your behalf; None if no template matches.

    Of several templates that match, the template with the longest prefix applies.

    Args:
        repository: The repository's name.
        applied_for: The reason why ECR creates the repository, such as `REPLICATION`.
    """
    fitting = [
        each
        for each in _templates.values()
        if applied_for in each["appliedFor"] and (each["prefix"] == "ROOT" or _is_under(repository, each["prefix"]))
    ]
    return max(fitting, key=lambda each: _weight(each["prefix"]), default=None)


def cache_rule(repository: str) -> Parameters | None:
    """Return the pull-through cache rule with the longest prefix that matches a repository's name, or None."""
    fitting = [each for name, each in _cache_rules.items() if name == "ROOT" or _is_under(repository, name)]
    return max(fitting, key=lambda each: _weight(each["ecrRepositoryPrefix"]), default=None)


def is_cached(prefix: str) -> bool:
    """Return whether there is a pull-through cache rule with exactly this prefix."""
    return prefix in _cache_rules


def excludes(caller: str) -> bool:
    """Return whether pulls by a caller leave the recorded pull time of an image unchanged.

    Args:
        caller: The ARN of a user or of a role session.
    """
    return any(iam.principal_matches({"AWS": principal}, caller) for principal in _exclusions)


def is_excluded(principal: str) -> bool:
    """Return whether there is a pull-time exclusion for exactly this principal."""
    return principal in _exclusions


def _weight(prefix: str) -> int:
    return 0 if prefix == "ROOT" else len(prefix)


def _is_under(repository: str, prefix: str) -> bool:
    return repository.startswith(f"{prefix.rstrip('/')}/")


def _put_policy(parameters: Parameters) -> Parameters:
    if not _is_policy(parameters["policyText"]):  # pulumi/pulumi-aws issue 2326
        raise RefusedError(
            "InvalidParameterException: Invalid parameter at 'PolicyText' failed to satisfy constraint: "
            "'Invalid registry policy provided'"
        )
    _one["policy"] = parameters["policyText"]
    return _of_registry(policyText=parameters["policyText"])


def _is_policy(text: str) -> bool:
    """Return whether each statement of a document has an effect, a principal and only actions of ECR."""
    try:
        stated = json.loads(text)["Statement"]
    except (ValueError, TypeError, KeyError):
        return False
    return all(
        "Effect" in each
        and {"Principal", "NotPrincipal"} & set(each)
        and {"Action", "NotAction"} & set(each)
        and all(str(action).lower().startswith(("ecr:", "*")) for action in documents.several(each.get("Action")))
        for each in documents.several(stated)
    )


def _put_replication(parameters: Parameters) -> Parameters:
    configuration = parameters["replicationConfiguration"]
    own = (get_account_id(), get_region())
    for rule in configuration["rules"]:
        if own in [(each["registryId"], each["region"]) for each in rule["destinations"]]:
            raise RefusedError(  # cdk-preflight 1.9.1, rule pf-ecr-replication-destination
                "InvalidParameterException: Invalid parameter at 'replicationConfiguration' failed to satisfy "
                "constraint: 'Replication destination cannot be the same as the source registry'"
            )
    _one["replication"] = configuration
    return {"replicationConfiguration": configuration}


def _put_signing(parameters: Parameters) -> Parameters:
    _one["signing"] = parameters["signingConfiguration"]
    return {"signingConfiguration": _one["signing"]}


def _showing(name: str, member: str, missing: str) -> Callable[[Parameters], Parameters]:
    """Return the operation that shows a setting without a default."""

    def show(_: Parameters) -> Parameters:
        if name not in _one:
            raise RefusedError(
                f"{missing}: The {name} setting does not exist in the registry with id '{get_account_id()}'"
            )
        return _of_registry(**{member: _one[name]})

    return show


def _deleting(name: str, show: Callable[[Parameters], Parameters]) -> Callable[[Parameters], Parameters]:
    def delete(parameters: Parameters) -> Parameters:
        answer = show(parameters)
        reset(name)
        return answer

    return delete


_get_policy = _showing("policy", "policyText", "RegistryPolicyNotFoundException")
_get_signing = _showing("signing", "signingConfiguration", "SigningConfigurationNotFoundException")


def _create_cache_rule(parameters: Parameters) -> Parameters:
    prefix, url = parameters["ecrRepositoryPrefix"], parameters["upstreamRegistryUrl"]
    if prefix in _cache_rules:
        raise RefusedError(
            "PullThroughCacheRuleAlreadyExistsException: A pull through cache rule with the prefix "
            f"'{prefix}' already exists"
        )
    if len(_cache_rules) >= _MOST_CACHE_RULES:
        raise RefusedError("LimitExceededException: The registry already has 50 pull through cache rules")
    upstream = parameters.get("upstreamRegistry") or _upstream(url)
    if upstream is None:
        raise RefusedError(f"UnsupportedUpstreamRegistryException: '{url}' is not a registry that ECR can cache")
    if upstream in _WITH_CREDENTIAL and "credentialArn" not in parameters:
        # cdk-preflight 1.9.1, rule pf-ecr-pull-through-cache-credential
        raise RefusedError("InvalidParameterException: The specified upstream registry requires authentication")
    rule = {
        "upstreamRepositoryPrefix": "ROOT",
        **parameters,
        "upstreamRegistry": upstream,
        "createdAt": _now(),
        "registryId": get_account_id(),
    }
    _cache_rules[prefix] = rule
    return dict(rule)


def _upstream(url: str) -> str | None:
    if ".dkr.ecr" in url:
        return "ecr"
    if url.endswith(".azurecr.io"):
        return "azure-container-registry"
    return _UPSTREAM.get(url)


def _cache_rule_of(parameters: Parameters) -> Parameters:
    prefix = parameters["ecrRepositoryPrefix"]
    if prefix not in _cache_rules:
        raise RefusedError(
            "PullThroughCacheRuleNotFoundException: "
            f"The pull through cache rule with the prefix '{prefix}' was not found"
        )
    rule: Parameters = _cache_rules[prefix]
    return rule


def _update_cache_rule(parameters: Parameters) -> Parameters:
    rule = _cache_rule_of(parameters)
    rule |= {**parameters, "updatedAt": _now()}
    return dict(rule)


def _delete_cache_rule(parameters: Parameters) -> Parameters:
    rule = _cache_rule_of(parameters)
    _cache_rules.pop(rule["ecrRepositoryPrefix"])
    return rule


def _validate_cache_rule(parameters: Parameters) -> Parameters:
    rule = _cache_rule_of(parameters)
    secret = rule.get("credentialArn")
    found = secret is None or secretsmanager.resolve(secret)[1] is not None
    failure = {} if found else {"failure": f"The secret {secret} was not found"}
    shown = {name: value for name, value in rule.items() if name not in ("createdAt", "updatedAt", "upstreamRegistry")}
    return {**shown, "isValid": found, **failure}


def _describe_cache_rules(parameters: Parameters) -> Parameters:
    wanted = parameters.get("ecrRepositoryPrefixes")
    if wanted is None:
        return {"pullThroughCacheRules": list(_cache_rules.values())}
    return {"pullThroughCacheRules": [_cache_rule_of({"ecrRepositoryPrefix": prefix}) for prefix in wanted]}


def _create_template(parameters: Parameters) -> Parameters:
    prefix = parameters["prefix"]
    if prefix in _templates:
        raise RefusedError(
            f"TemplateAlreadyExistsException: The repository creation template with the prefix '{prefix}' exists"
        )
    _templates[prefix] = {**_TEMPLATE, **parameters, "createdAt": _now(), "updatedAt": _now()}
    return _of_registry(repositoryCreationTemplate=_templates[prefix])


def _template_of(parameters: Parameters) -> Parameters:
    prefix = parameters["prefix"]
    if prefix not in _templates:
        raise RefusedError(
            f"TemplateNotFoundException: The repository creation template with the prefix '{prefix}' was not found"
        )
    found: Parameters = _templates[prefix]
    return found


def _update_template(parameters: Parameters) -> Parameters:
    found = _template_of(parameters)
    found |= {**parameters, "updatedAt": _now()}
    return _of_registry(repositoryCreationTemplate=found)


def replace_template(parameters: Parameters) -> Parameters:
    """Update a template as CloudFormation does: a property that is not specified returns to its default.

    Return the output of UpdateRepositoryCreationTemplate.
    """
    found = _template_of(parameters)
    _templates[found["prefix"]] = {**_TEMPLATE, "createdAt": found["createdAt"]}
    return _update_template(parameters)


def _delete_template(parameters: Parameters) -> Parameters:
    found = _template_of(parameters)
    _templates.pop(found["prefix"])
    return _of_registry(repositoryCreationTemplate=found)


def _describe_templates(parameters: Parameters) -> Parameters:
    wanted = parameters.get("prefixes")
    found = [each for prefix, each in _templates.items() if wanted is None or prefix in wanted]
    return _of_registry(repositoryCreationTemplates=found)


def _register_exclusion(parameters: Parameters) -> Parameters:
    principal = parameters["principalArn"]
    if principal in _exclusions:
        raise RefusedError(f"ExclusionAlreadyExistsException: '{principal}' is already excluded")
    _exclusions[principal] = {"principalArn": principal, "createdAt": _now()}
    return dict(_exclusions[principal])


def _deregister_exclusion(parameters: Parameters) -> Parameters:
    principal = parameters["principalArn"]
    if _exclusions.pop(principal, None) is None:
        raise RefusedError(f"ExclusionNotFoundException: '{principal}' is not excluded")
    return {"principalArn": principal}


def _put_setting(parameters: Parameters) -> Parameters:
    name, value = parameters["name"], parameters["value"]
    if value not in _SETTINGS.get(name, ()):
        raise RefusedError(f"InvalidParameterException: The setting {name} does not take the value '{value}'")
    _settings[name] = value
    return {"name": name, "value": value}


def _get_setting(parameters: Parameters) -> Parameters:
    name = parameters["name"]
    if name not in _SETTINGS:
        raise RefusedError(f"InvalidParameterException: There is no setting {name}")
    return {"name": name, "value": _settings.get(name, _SETTINGS[name][0])}


OPERATIONS: Mapping[str, Callable[[Parameters], Parameters]] = {
    "CreatePullThroughCacheRule": _create_cache_rule,
    "CreateRepositoryCreationTemplate": _create_template,
    "DeletePullThroughCacheRule": _delete_cache_rule,
    "DeleteRegistryPolicy": _deleting("policy", _get_policy),
    "DeleteRepositoryCreationTemplate": _delete_template,
    "DeleteSigningConfiguration": _deleting("signing", _get_signing),
    "DeregisterPullTimeUpdateExclusion": _deregister_exclusion,
    "DescribePullThroughCacheRules": _describe_cache_rules,
    "DescribeRegistry": lambda _: _of_registry(replicationConfiguration={"rules": replication_rules()}),
    "DescribeRepositoryCreationTemplates": _describe_templates,
    "GetAccountSetting": _get_setting,
    "GetRegistryPolicy": _get_policy,
    "GetSigningConfiguration": _get_signing,
    "ListPullTimeUpdateExclusions": lambda _: {"pullTimeUpdateExclusions": list(_exclusions)},
    "PutAccountSetting": _put_setting,
    "PutRegistryPolicy": _put_policy,
    "PutReplicationConfiguration": _put_replication,
    "PutSigningConfiguration": _put_signing,
    "RegisterPullTimeUpdateExclusion": _register_exclusion,
    "UpdatePullThroughCacheRule": _update_cache_rule,
    "UpdateRepositoryCreationTemplate": _update_template,
    "ValidatePullThroughCacheRule": _validate_cache_rule,
}
"""The ECR API operations on the registry."""
