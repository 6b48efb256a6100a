"""Configuration of one identity: base -> environment -> identity -> command line."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from kedro.config import MissingConfigException, OmegaConfigLoader
from omegaconf import DictConfig, OmegaConf
from yaml import YAMLError

from mtcm_pipeline.errors import IdentityError, ParameterError
from mtcm_pipeline.identities import check_identity_name
from mtcm_pipeline.orchestration.command_line import IDENTITY_VARIABLE

_FILE_NAMES = ("parameters.yml", "parameters.yaml")


class IdentityConfigLoader(OmegaConfigLoader):
    """Merges `conf/identities/<identity>/parameters.yml` over the other parameters.

    Mappings merge key by key at every step (kedro-org/kedro#3456), interpolations are
    resolved last, and `parameters` always names its `identity`. Leans on
    `OmegaConfigLoader._resolve_from_raw_config`, hence the pin on Kedro's version.
    """

    def __init__(
        self,
        conf_source: str | Path,
        env: str | None = None,
        runtime_params: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        runtime_params = _of_the_first(runtime_params)
        given = (runtime_params or {}).get("identity")
        for name in (given, os.environ.get(IDENTITY_VARIABLE)):
            _refuse_interpolation(name)
        super().__init__(conf_source, env, runtime_params, **options)

    @property
    def identity(self) -> str:
        """The run's identity, a checked name: `--params`, else `globals.yml`.

        Raises:
            IdentityError: the name is not usable, or there is none.
        """
        given = self.runtime_params or {}
        name = (
            given["identity"] if "identity" in given else self["globals"].get("identity")
        )
        return check_identity_name(name)

    def _resolve_from_raw_config(  # noqa: PLR0917
        self,
        key: str,
        base_configs: dict[Path, DictConfig],
        env_configs: dict[Path, DictConfig],
        base_path: str,
        env_path: str,
        processed_files: set[Path],
    ) -> dict[str, Any]:
        if key != "parameters":
            return super()._resolve_from_raw_config(
                key, base_configs, env_configs, base_path, env_path, processed_files
            )
        if not processed_files:
            raise MissingConfigException(
                f"no parameters file in {base_path} or {env_path}"
            )
        layers = [
            *sorted(base_configs.items()),
            *sorted(env_configs.items()),
            *self._identity_layer(),
        ]
        for path, layer in layers:
            _refuse_identity_key(path, layer)
        merged = OmegaConf.merge(
            *(layer for _, layer in layers),
            self.runtime_params or {},
        )
        resolved: Any = OmegaConf.to_container(merged, resolve=True)
        visible = {k: v for k, v in resolved.items() if not str(k).startswith("_")}
        return {**visible, "identity": self.identity}

    def _identity_layer(self) -> list[tuple[Path, DictConfig]]:
        folder = Path(self._get_conf_env_path("identities")) / self.identity
        if not self._fs.isdir(folder.as_posix()):
            return []
        names = [Path(p).name for p in self._fs.ls(folder.as_posix(), detail=False)]
        strange = [n for n in names if n not in _FILE_NAMES and not n.startswith(".")]
        if strange:
            raise ParameterError(
                f"{folder} holds {sorted(strange)}, which nothing reads: an identity's "
                f"parameters belong in {_FILE_NAMES[0]}"
            )
        return [(folder / n, self._read(folder / n)) for n in names if n in _FILE_NAMES]

    def _read(self, path: Path) -> DictConfig:
        with self._fs.open(path.as_posix(), "rb") as file:
            content = file.read().decode("utf-8")
        try:
            layer = OmegaConf.create(content)
        except YAMLError as error:
            raise ParameterError(f"{path} is not YAML: {error}") from error
        if not isinstance(layer, DictConfig):
            raise ParameterError(f"{path} must hold sections with keys and values")
        return layer


def _of_the_first(runtime_params: dict[str, Any] | None) -> dict[str, Any] | None:
    """A run about several `identities` belongs to the first, unless it says otherwise."""
    several = (runtime_params or {}).get("identities")
    said = "identity" in (runtime_params or {}) or IDENTITY_VARIABLE in os.environ
    if said or not isinstance(several, list) or not several:
        return runtime_params
    return {**(runtime_params or {}), "identity": several[0]}


def _refuse_identity_key(path: Path, layer: DictConfig) -> None:
    if "identity" in layer:
        raise ParameterError(
            f"{path} sets 'identity': the catalog would not follow it; use --params "
            f"identity=..., {IDENTITY_VARIABLE} or conf/base/globals.yml"
        )


def _refuse_interpolation(name: object) -> None:
    if isinstance(name, str) and "${" in name:
        raise IdentityError(
            f"identity {name!r} holds '${{', which configuration files take for a "
            f"reference: rename the folders"
        )
