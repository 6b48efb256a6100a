from mtcm_pipeline.orchestration.hooks import ProjectHooks
from mtcm_pipeline.settings import CONFIG_LOADER_ARGS, CONFIG_LOADER_CLASS, CONTEXT_CLASS
from toy.options import SECTIONS

__all__ = ["CONFIG_LOADER_ARGS", "CONFIG_LOADER_CLASS", "CONTEXT_CLASS", "HOOKS"]
HOOKS = (ProjectHooks(sections=lambda: SECTIONS),)
