"""Identities on the command line, where values are parsed as YAML.

`kedro run --params identity=...` splits at commas and reads each value as YAML:

    identity=Bronze Head     -> 'Bronze Head'
    identity=007             -> 7              refused: not text
    identity=No              -> False          refused: not text
    identity=Ada #2          -> 'Ada'          refused here: not what was typed
    identity='Ada #2'        -> 'Ada #2'       (inner quotes, seen by YAML)
    identity=Smith, Ada      -> Kedro's error: ' Ada' is not key=value
    identity='Smith, Ada'    -> the same with Kedro's `run`; fine with the one made here
    identities=[Ada,Grace]   -> likewise

The environment variable MTCM_IDENTITY takes every name as it is.
"""

from __future__ import annotations

import copy
import difflib
import functools
import importlib
import logging
import os
import pkgutil
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click
import yaml
from omegaconf import OmegaConf

from mtcm_pipeline.errors import IdentityError

logger = logging.getLogger(__name__)

IDENTITY_VARIABLE = "MTCM_IDENTITY"
FLEET_VARIABLE = "MTCM_EACH"
"""Set in the runs of `kedro each`: their identity is not that of the user's shell."""
_KEY = "identity="
_QUOTES = "'\""
# For YAML, '' within single quotes and \" within double ones end nothing.
_QUOTED = re.compile(r"""'(?:[^']|'')*'|"(?:[^"\\]|\\.)*\"""", re.DOTALL)


def split_params(
    context: click.Context | None, parameter: click.Parameter | None, value: Any
) -> dict[str, Any]:
    """A click callback for `--params`: as Kedro's, but commas within quotes are kept.

    Args:
        context: click's, for its error message.
        parameter: click's.
        value: the option's text, or what a configuration file gave already parsed.

    Raises:
        click.BadParameter: an item without `=`, or one that is not YAML.
    """
    if isinstance(value, dict):
        return value
    items = split_items(value or "")
    for item in items:
        if not item.partition("=")[1] or item.startswith("="):
            raise click.BadParameter(
                f"{item!r} is not of the form key=value (a value with a comma needs "
                f"quotes of its own: \"identity='Smith, Ada'\")",
                context,
                parameter,
            )
    try:
        parsed = OmegaConf.to_container(OmegaConf.from_dotlist(items))
    except yaml.YAMLError as error:
        raise click.BadParameter(
            f"{value!r} is not YAML: {error}; quote the value within the quotes of the "
            f"shell: \"identity='@home'\"",
            context,
            parameter,
        ) from error
    return {str(key): item for key, item in dict(parsed).items()}  # type: ignore[arg-type]


def quoting_run_command() -> click.Command:
    """Kedro's own `run`, with `split_params` behind its `--params`.

    Added to the project's command group, it takes the place of Kedro's. It says first
    that it has begun, since the imports of all pipelines take seconds.
    """
    from kedro.framework.cli.project import run

    command = copy.copy(run)
    command.params = [copy.copy(parameter) for parameter in run.params]
    for parameter in command.params:
        if parameter.name == "params":
            parameter.callback = split_params
        if parameter.name in ("pipeline", "pipelines"):
            parameter.callback = _checking_pipelines(parameter.callback)
    command.callback = _said_first(run.callback)
    return command


def _said_first(callback: Any) -> Any:
    @functools.wraps(callback)
    def said(*args: Any, **given: Any) -> Any:
        logger.info("loading the pipelines, which takes a few seconds")
        return callback(*args, **given)

    return said


def unknown_pipeline(name: str, known: Sequence[str]) -> str:
    """What to say of a pipeline that is not among the `known`."""
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"unknown pipeline {name!r}; {hint}There are: {', '.join(sorted(known))}"


def _checking_pipelines(split: Any) -> Any:
    """A click callback: what `split` makes of the option, if all of it exists."""

    def checked(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
        given = split(context, parameter, value) if split else value
        known = _pipeline_folders()
        for name in [given] if isinstance(given, str) else given or ():
            if known and name not in (*known, "__default__"):
                raise click.BadParameter(
                    unknown_pipeline(name, known), context, parameter
                )
        return given

    return checked


def _pipeline_folders() -> list[str]:
    """Names of the project's pipelines, none of which is imported; [] outside of one."""
    from kedro.framework.project import PACKAGE_NAME

    if PACKAGE_NAME is None:
        return []
    package = importlib.import_module(f"{PACKAGE_NAME}.pipelines")
    return [module.name for module in pkgutil.iter_modules(package.__path__)]


def split_items(text: str) -> list[str]:
    """Split at commas outside of quotes and lists, which count where a value begins."""
    items, start, quoted_until, depth = [], 0, 0, 0
    for position, character in enumerate(text):
        if position < quoted_until:
            continue
        begins = text[:position].rstrip()[-1:] in (("=", "[", ",") if depth else ("=",))
        if character in _QUOTES and begins:
            quoted = _QUOTED.match(text, position)
            quoted_until = quoted.end() if quoted else len(text)
        elif character == "[" and begins:
            depth += 1
        elif character == "]" and depth:
            depth -= 1
        elif character == "," and not depth:
            items.append(text[start:position])
            start = position + 1
    items.append(text[start:])
    return [item.strip() for item in items if item.strip()]


def check_typed_identity(
    identity: object, arguments: Sequence[str] | None = None
) -> None:
    """Refuse an identity that YAML made of something else than what was typed.

    Args:
        identity: what Kedro got.
        arguments: the command line; this process's own when left out.

    Raises:
        IdentityError: `Ada #2` was typed and `Ada` arrived (a comment, for YAML).
    """
    typed = _typed_identity(sys.argv[1:] if arguments is None else arguments)
    if typed is None or not isinstance(identity, str) or identity == typed:
        return
    if typed[:1] in _QUOTES and len(typed) > 1 and typed[-1] == typed[0]:
        return  # quoted for YAML on purpose
    raise IdentityError(
        f"identity {typed!r} was typed, but the command line, parsed as YAML, makes "
        f"{identity!r} of it; quote the name within the quotes of the shell, "
        f"--params \"identity='{typed}'\", or set "
        f"{IDENTITY_VARIABLE}={shlex.quote(typed)}"
    )


def _typed_identity(arguments: Sequence[str]) -> str | None:
    for option, following in zip(arguments, [*arguments[1:], ""], strict=True):
        text = following if option in ("--params", "-p") else ""
        if option.startswith("--params="):
            text = option.removeprefix("--params=")
        for item in split_items(text):
            if item.startswith(_KEY):
                return item.removeprefix(_KEY).strip()
    return None


def run_command(
    pipelines: Sequence[str],
    identity: str,
    load_versions: Sequence[str] = (),
    *,
    params: Mapping[str, object] | None = None,
    any_shell: bool = False,
) -> str:
    """The command that runs `pipelines` for `identity`, to be pasted into a shell.

    Args:
        pipelines: their names; none for the default run.
        identity: any.
        load_versions: `dataset:version` of each that is pinned.
        params: parameters by their dotted names (`benchmark.steps`): flags, numbers,
            texts of one line, or lists of these.
        any_shell: whether the identity is named although it is that of this shell.
    """
    words = ["kedro", "run"]
    if pipelines:
        words.append(f"--pipelines={','.join(pipelines)}")
    if load_versions:
        words.append(f"--load-versions={','.join(load_versions)}")
    of_the_shell = FLEET_VARIABLE not in os.environ and not any_shell
    named = not (of_the_shell and os.environ.get(IDENTITY_VARIABLE) == identity)
    by_params = named and _survives_params(identity)
    given = [f"{name}={_as_yaml(value)}" for name, value in (params or {}).items()]
    given += [_KEY + identity] if by_params else []
    text = shlex.join(words)
    if given:
        text += f" --params {shlex.quote(','.join(given))}"
    if named and not by_params:
        return f"{IDENTITY_VARIABLE}={shlex.quote(identity)} {text}"
    return text


def _as_yaml(value: object) -> str:
    """On one line, as `split_params` reads it."""
    within_a_list = yaml.safe_dump(
        [value], default_flow_style=True, allow_unicode=True, width=10**9
    )
    return str(within_a_list).strip()[1:-1]


def _survives_params(identity: str) -> bool:
    try:
        return "," not in identity and yaml.safe_load(identity) == identity
    except yaml.YAMLError:
        return False
