"""AWS CodeBuild: the properties of projects that ministack drops, as the API shows them; builds do not run here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from moorage.local.server.core.adapter import codebuild
from moorage.local.server.core.calls import structure
from moorage.local.server.core.resource import Properties
from moorage.local.server.services.guards import complete

_KEPT = (
    "AutoRetryLimit", "BuildBatchConfig", "Cache", "ConcurrentBuildLimit", "FileSystemLocations", "LogsConfig",
    "QueuedTimeoutInMinutes", "ResourceAccessRole", "SecondaryArtifacts", "SecondarySourceVersions",
    "SecondarySources", "Visibility", "VpcConfig",
)  # fmt: skip
_RENAMED = {"Visibility": "projectVisibility"}
_FURTHER = "what ministack does not describe"


def install() -> None:
    """Make the handler of projects store the properties that ministack drops, and make the API return them."""
    complete("AWS::CodeBuild::Project", _complete)
    shape: Callable[[Mapping[str, Any]], dict[str, Any]] = codebuild.project_shape
    codebuild.project_shape = lambda project: {**shape(project), **project.get(_FURTHER, {})}


def _complete(project: str, _old: Properties, new: Properties) -> None:
    stated = {name: new[name] for name in _KEPT if name in new}
    further = structure("codebuild", "Project", stated, renamed=_RENAMED)
    triggers = new.get("Triggers") or {}
    if str(triggers.get("Webhook", False)).lower() == "true":
        hook = {name: value for name, value in triggers.items() if name != "Webhook"}
        further["webhook"] = structure("codebuild", "Webhook", hook)
    further["badge"] = {"badgeEnabled": str(new.get("BadgeEnabled", False)).lower() == "true"}
    codebuild.projects[project][_FURTHER] = further
