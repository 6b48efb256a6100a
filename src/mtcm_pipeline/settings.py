"""Project settings, read by Kedro. Imports must stay light: every command pays them."""

import warnings

from omegaconf.resolvers import oc

from mtcm_pipeline.datasets import atomic_filesystem
from mtcm_pipeline.orchestration.config_loader import IdentityConfigLoader
from mtcm_pipeline.orchestration.context import ProjectContext
from mtcm_pipeline.orchestration.hooks import ProjectHooks

atomic_filesystem.register()
# Kedro 1.7 calls OmegaConf by a name that newer releases of it deprecate.
warnings.filterwarnings("ignore", message=r"register_new_resolver\(\) is deprecated")

HOOKS = (ProjectHooks(),)

CONTEXT_CLASS = ProjectContext
CONFIG_LOADER_CLASS = IdentityConfigLoader
CONFIG_LOADER_ARGS = {
    "base_env": "base",
    "default_run_env": "local",
    "merge_strategy": {"parameters": "soft"},
    "custom_resolvers": {"oc.env": oc.env},  # globals.yml reads MTCM_IDENTITY
}
