"""Profiles by name: a background's, and those of the models of a job trace."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from rackwright.errors import OptionsError, RackwrightError
from rackwright.models.deeppool.options import DeeppoolOptions
from rackwright.traces.packaged import sample_names, sample_path
from rackwright.traces.profiles import LayerProfile
from rackwright.traces.profiles_file import read_profile

__all__ = ["background_of", "packaged_models", "profiles_of"]

_PREFIX = "profile_"


def packaged_models() -> tuple[str, ...]:
    """Names of the packaged profiles, without "profile_"."""
    return tuple(name.removeprefix(_PREFIX) for name in sample_names()
                 if name.startswith(_PREFIX))


def background_of(name: str, foreground: LayerProfile) -> LayerProfile:
    """The profile that the option `background` names. Raises OptionsError and InputError."""
    if name == "same":
        return foreground
    plain = name.removeprefix(_PREFIX)
    if plain in packaged_models():
        return read_profile(sample_path(_PREFIX + plain))
    if not Path(name).exists():
        raise DeeppoolOptions.refused([
            f"background = {name!r}: neither a file nor a packaged profile; write same, a file, "
            f"or one of {', '.join(packaged_models()) or '(none packaged)'}"])
    return read_profile(name)


def profiles_of(models: Iterable[str], folder: str) -> dict[str, LayerProfile]:
    """Model -> profile, packaged or from files ``folder/MODEL.*``. Raises OptionsError."""
    found: dict[str, LayerProfile] = {}
    faults: list[str] = []
    for model in sorted(set(models)):
        path = _packaged(model) if folder == "packaged" else _file(Path(folder), model)
        if path is None:
            known = ", ".join(packaged_models()) if folder == "packaged" else f"files in {folder}"
            faults.append(f"no profile of {model!r}; there are: {known}. The option `profiles` "
                          "names a folder of MODEL.json, MODEL.prof or MODEL.csv")
            continue
        try:
            found[model] = read_profile(path)
        except RackwrightError as problem:
            faults.append(str(problem))
    if faults:
        raise OptionsError("profiles of the jobs", faults)
    return found


def _packaged(model: str) -> Path | None:
    return sample_path(_PREFIX + model) if model in packaged_models() else None


def _file(folder: Path, model: str) -> Path | None:
    matches = sorted(folder.glob(f"{model}.*")) if folder.is_dir() else []
    return matches[0] if matches else None
