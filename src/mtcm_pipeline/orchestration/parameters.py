"""Checks all parameters before any work: names first, then values."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from mtcm_pipeline.errors import MtcmError, ParameterError
from mtcm_pipeline.identities import check_identity_name

_SCALARS = ("identity",)
_SEVERAL = "identities"


def check_parameters(parameters: Mapping[str, Any], sections: Mapping[str, type]) -> None:
    """Check every section of `parameters` against its options dataclass.

    Args:
        parameters: section -> key -> value, the text `identity`, and maybe the list
            `identities`.
        sections: section -> options dataclass.

    Raises:
        ParameterError: one line a fault, all faults at once.
    """
    faults: list[str] = []
    for name, value in parameters.items():
        if name in _SCALARS:
            continue
        if name == _SEVERAL:
            faults.extend(_faults_of_names(value))
        elif name not in sections:
            faults.append(_unknown("section", name, sections))
        elif not isinstance(value, Mapping):
            faults.append(f"{name} is {value!r}: expected keys and values below it")
        else:
            faults.extend(_faults_of(name, value, sections[name]))
    if faults:
        raise ParameterError("parameters:\n" + "\n".join(f"- {each}" for each in faults))


def _faults_of_names(value: object) -> Iterable[str]:
    """Of `identities`: names of folders, each once."""
    if not isinstance(value, list) or not value:
        yield (
            f"{_SEVERAL} is {value!r}: expected a list of names, as in --params "
            f"'{_SEVERAL}=[Bronze Head,Marble Head]'; leave it out for all under data/"
        )
        return
    for name in value:
        try:
            check_identity_name(name)
        except MtcmError as error:
            yield f"{_SEVERAL}: {error}"
    yield from (
        f"{_SEVERAL} holds {name!r} {value.count(name)} times: name each once"
        for place, name in enumerate(value)
        if value.count(name) > 1 and value.index(name) == place
    )


def _faults_of(section: str, values: Mapping[str, Any], options: type) -> list[str]:
    names = [field.name for field in dataclasses.fields(options)]
    faults = [
        _unknown("parameter", f"{section}.{key}", [f"{section}.{n}" for n in names])
        for key in values
        if key not in names
    ]
    known = {key: value for key, value in values.items() if key in names}
    try:
        built: object = TypeAdapter(options).validate_python(known)
    except ValidationError as error:
        return faults + [_line(section, each) for each in error.errors()]
    except MtcmError as error:
        return [*faults, f"{section}: {error}"]
    return faults + list(_disguised_flags(section, known, built))


def _line(section: str, error: Mapping[str, Any]) -> str:
    path = ".".join([section, *map(str, error["loc"])])
    given = f" is {error['input']!r}" if error["type"] != "missing" else ""
    message = str(error["msg"]).removeprefix("Value error, ")
    message = message.replace("Input should", "should")
    if error["type"] == "list_type" and isinstance(error["input"], str):
        message = f"should be a list, also with one entry: {path}=[{error['input']}]"
    return f"{path}{given}: {message}"


def _disguised_flags(
    section: str, values: Mapping[str, Any], built: object
) -> Iterable[str]:
    """YAML reads `yes` and `off` as flags; pydantic would make 1 and 0 of them."""
    for key, value in values.items():
        is_number = type(getattr(built, key)) in (int, float)
        if isinstance(value, bool) and is_number:
            yield f"{section}.{key} is {value!r}: should be a number"


def _unknown(what: str, name: str, existing: Collection[str]) -> str:
    close = difflib.get_close_matches(name, existing, n=3, cutoff=0.6)
    meant = f"; did you mean {' or '.join(map(repr, close))}?" if close else "."
    listed = ", ".join(sorted(existing)) or "none"
    return f"unknown {what} {name!r}{meant} There are: {listed}"
