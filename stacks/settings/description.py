"""The description of all environments."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import attrs

from stacks.settings.checks import SettingError, differ_in_partition, quoted, raise_all
from stacks.settings.environments import EnvironmentSettings, ToolingSettings
from stacks.settings.toml_file import read

WITHOUT_INSPECTOR = frozenset({"ap-southeast-6"})
"""The regions with Amazon ECR and without Amazon Inspector, which scans the registries (botocore, endpoints)."""
RECOVERY = "-recovery"
"""The end of the name of a stage that deploys an environment to its recovery region."""
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*")


@attrs.frozen(kw_only=True)
class Description:
    """The description of all environments, as `environments.toml` has it.

    Args:
        environments: The settings of each environment, by name.
        tooling: The settings of the account of the company's tools. Default: none.
    """

    environments: Mapping[str, EnvironmentSettings]
    tooling: ToolingSettings | None = None

    def __attrs_post_init__(self) -> None:
        raise_all(
            [
                *self._name_problems(),
                *self._replication_problems(),
                *self._scanning_problems(),
                *self._environment_problems(),
                *self._image_problems(),
                *self._github_problems(),
                *self._preview_problems(),
            ]
        )

    @staticmethod
    def read(file: str) -> Description:
        """Return the description in a TOML file.

        Args:
            file: The path of the file. Its table `[tooling]` has the settings of the company's tools; each other table
                has the settings of the environment with its name.

        Raises:
            SettingsFileError: The file cannot be read, or a setting is unknown, missing or wrong. The error lists all
                problems, each with its line.
        """
        return read(file, Description, rest="environments")

    @property
    def destinations(self) -> Mapping[str, EnvironmentSettings]:
        """The environments to whose registries images are replicated, by name."""
        names = self.tooling.registry.replicates_to if self.tooling else ()
        return {name: self.environments[name] for name in names if name in self.environments}

    def promotion_targets(self, source: str) -> tuple[str, ...]:
        """Return the names of the environments to which the images of another one are promoted.

        Args:
            source: The name of the other environment.
        """
        found = self.environments.items()
        return tuple(name for name, each in found if each.github and each.github.promotes_from == source)

    @property
    def preview_host(self) -> str | None:
        """The name of the environment that hosts the previews of pull requests, or None if no environment does."""
        return next((name for name, settings in self.environments.items() if settings.previews), None)

    def _name_problems(self) -> Iterator[SettingError]:
        if not self.environments:
            yield SettingError("at least one table must describe an environment; add a table such as [dev]")
        names = {"tooling": "tooling"}
        for name in self.environments:
            if not _NAME.fullmatch(name):
                yield SettingError(
                    "must have a name of letters, digits and hyphens that begins with a letter; rename the table",
                    ("environments", name),
                )
            elif (origin := name.removesuffix(RECOVERY)) != name and origin in self.environments:
                yield SettingError(
                    f"must not have a name that ends with {RECOVERY}, which is the name of {origin} in its recovery "
                    "region; rename the table",
                    ("environments", name),
                )
            elif re.fullmatch(r"preview-\d+", name, re.IGNORECASE):
                yield SettingError(
                    "must not have the name of the preview of a pull request; rename the table", ("environments", name)
                )
            elif (owner := names.setdefault(name.lower(), name)) != name:
                yield SettingError(
                    f"must differ from {owner} in more than upper and lower case, since some file systems do not "
                    "tell their folders apart; rename the table",
                    ("environments", name),
                )

    def _replication_problems(self) -> Iterator[SettingError]:
        if self.tooling is None:
            return
        setting = "tooling.registry.replicates_to"
        owners = {None: "", self.tooling.place: ""}  # places whose registries are not defined, or defined by tooling
        for name in self.tooling.registry.replicates_to:
            if name not in self.environments:
                way_out = f"the names are {', '.join(self.environments)}" if self.environments else "remove the name"
                yield SettingError(f"must have names of environments (got {quoted(name)}); {way_out}", setting)
            elif differ_in_partition(self.tooling.region, self.environments[name].region):
                yield SettingError(
                    f'must have environments in the partition of {self.tooling.region} (got "{name}" in '
                    f"{self.environments[name].region}); remove the environment",
                    setting,
                )
            elif (owner := owners.setdefault(self.environments[name].place, name)) not in {"", name}:
                yield SettingError(
                    f'must not have both "{owner}" and "{name}", which are in one account and region and would both '
                    "define its registry; remove one of them",
                    setting,
                )

    def _scanning_problems(self) -> Iterator[SettingError]:
        if self.tooling is None:
            return
        regions = {"tooling.region": self.tooling.region}
        for name in self.environments.keys() & set(self.tooling.registry.replicates_to):
            settings = self.environments[name]
            regions[f"environments.{name}.region"] = settings.region
            regions[f"environments.{name}.recovery_region"] = settings.recovery_region
        for setting, region in regions.items():
            if region in WITHOUT_INSPECTOR:
                yield SettingError(
                    f'must be a region with Amazon Inspector, which scans its registry (got "{region}"); use another '
                    "region",
                    setting,
                )

    def _environment_problems(self) -> Iterator[SettingError]:
        domains: dict[str, str] = {}
        for name, settings in self.environments.items():
            domain = settings.entrance.domain
            if domain and (owner := domains.setdefault(domain, name)) != name:
                yield SettingError(
                    f'must differ from the domain of {owner} (got "{domain}"); use a subdomain',
                    f"environments.{name}.entrance.domain",
                )
            if settings.network.egress == "endpoints" and (problem := self._isolation_problem(settings)):
                yield SettingError(f'must not be "endpoints", since {problem}', f"environments.{name}.network.egress")

    def _image_problems(self) -> Iterator[SettingError]:
        """Yield the problems of promoted images that are not in the account and region of their environment."""
        places = [self.tooling.place] if self.tooling else []
        places += [settings.place for settings in self.destinations.values()]
        for name, settings in self.environments.items():
            yield from self._recovery_problems(name, settings)
            setting = f"environments.{name}.images"
            if settings.images and self.tooling is None:
                yield SettingError("needs the registry of the company; add the table [tooling.registry]", setting)
            elif (
                settings.images
                and self.tooling
                and name not in self.tooling.registry.replicates_to
                and not (settings.place and settings.place in places)
            ):
                yield SettingError(
                    f'needs the images in its account and region; add "{name}" to replicates_to of [tooling.registry]',
                    setting,
                )

    def _recovery_problems(self, name: str, settings: EnvironmentSettings) -> Iterator[SettingError]:
        """Yield the problems of a recovery region that does not get the images of its environment."""
        setting = f"environments.{name}.recovery_region"
        if settings.recovery_region and self.tooling and name not in self.tooling.registry.replicates_to:
            yield SettingError(
                f'needs the images in that region; add "{name}" to replicates_to of [tooling.registry]', setting
            )
        if settings.recovery_region and self.tooling and not settings.images:
            yield SettingError(
                f"needs promoted images, since only these are replicated to that region; add the table [{name}.images]",
                setting,
            )

    def _preview_problems(self) -> Iterator[SettingError]:
        hosts = [name for name, settings in self.environments.items() if settings.previews]
        for name in hosts[1:]:
            yield SettingError(
                f"must be absent, since {hosts[0]} hosts the previews; remove one of the two tables",
                f"environments.{name}.previews",
            )
        protected = {settings.account: name for name, settings in self.environments.items() if not settings.removable}
        if self.tooling:
            protected[self.tooling.account] = "tooling"
        for name in hosts:
            account = self.environments[name].account
            if account in protected and account and self.environments[name].github:
                yield SettingError(
                    f"must not be in the account of {protected[account]}, {account}, since the code of a pull request "
                    "can change everything there; use an account without real data, or remove the table of github",
                    f"environments.{name}.previews",
                )

    def _isolation_problem(self, settings: EnvironmentSettings) -> str | None:
        """Return why the tasks of an environment need a NAT gateway for their images, or None if they do not."""
        place = self.tooling.place if self.tooling else None
        has_cache = self.tooling is not None and "ecr-public" in self.tooling.registry.caches
        are_near = settings.place and (settings.images or (has_cache and place and settings.region == place[1]))
        if not place or not are_near:
            return (
                "without a NAT gateway tasks can pull images only from the cache of ecr-public in the registry of "
                "tooling in their own region; set that cache, and account and region of both, or use a NAT gateway"
            )
        return (
            "the image of the jobs is in a public registry; use a NAT gateway, or remove data"
            if settings.data
            else None
        )

    def _github_problems(self) -> Iterator[SettingError]:
        repository = self.tooling.github if self.tooling else None
        owners: dict[str | None, str] = {None: ""}  # an account that is not set has no provider
        if self.tooling and repository and repository.provider == "new":
            owners.setdefault(self.tooling.account, "tooling")
        for name, settings in self.environments.items():
            if settings.github is None:
                continue
            setting = f"environments.{name}.github"
            if repository is None:
                yield SettingError(
                    "needs the repository whose workflows deploy; add it in [tooling.github], or remove this table",
                    setting,
                )
            if settings.github.promotes_from and (problem := self._source_problem(name, settings.github.promotes_from)):
                yield SettingError(problem, f"{setting}.promotes_from")
            if settings.github.provider == "new" and (owner := owners.setdefault(settings.account, name)) not in {
                "",
                name,
            }:
                yield SettingError(
                    f"must not define GitHub's identity provider in account {settings.account}, since {owner} defines "
                    'it, and an account has only one; set provider = "existing"',
                    f"{setting}.provider",
                )

    def _source_problem(self, name: str, source: str) -> str | None:
        """Return why an environment cannot promote images from another one, or None if it can."""
        others = [each for each in self.environments if each != name]
        if source not in others:
            way_out = f"the others are {', '.join(others)}" if others else "remove the setting"
            return f"must be another environment (got {quoted(source)}); {way_out}"
        if self.environments[source].github is None:
            return f"must be an environment with a table of its own for GitHub Actions; add [{source}.github]"
        return None
