"""The settings of the environments: frozen values that check themselves when they are made."""

from stacks.settings.description import Description as Description
from stacks.settings.environments import EnvironmentSettings as EnvironmentSettings
from stacks.settings.environments import ToolingSettings as ToolingSettings
from stacks.settings.infrastructure import DataSettings as DataSettings
