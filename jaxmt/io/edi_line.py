"""A profile from a folder of EDI files."""

import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Unpack

from ..atomic import FilePath
from ..data import Data
from ..processing import Along, profile
from .edi import read_edi_site


def _files(path: FilePath | Sequence[FilePath]) -> list[Path]:
    """The EDI files of a folder, or the path or paths given."""
    if not isinstance(path, (str, os.PathLike)):
        return [Path(one) for one in path]
    folder = Path(path)
    if not folder.is_dir():
        return [folder]
    files = sorted(
        one for one in folder.iterdir() if one.suffix.lower() == ".edi" and not one.name.startswith(".")
    )
    if not files:
        raise ValueError(f"`read_edi(path=...)`: the folder {folder} holds no file *.edi.")
    return files


def read_edi(
    path: FilePath | Sequence[FilePath],
    *,
    variance: str = "variance",
    conjugate: bool = False,
    **along: Unpack[Along],
) -> Data:
    """Data along a profile from EDI files, rotated to strike.

    - `path`: a folder (all its *.edi, of either case), a file, or a sequence of files. Of several
      files, those that cannot be read are left out with a warning each.
    - `variance`, `conjugate`: as in `read_edi_site`, the same for all files.
    - `along`: the keyword arguments of `profile`: `strike`, `origin`, `azimuth`, `frequencies`,
      `relative_error`, `tipper_error`.

    Raises `ValueError` if no file can be read.
    """
    files = _files(path)
    sites, faults = [], []
    for file in files:
        try:
            sites.append(read_edi_site(file, variance=variance, conjugate=conjugate))
        except ValueError as error:
            if len(files) == 1:
                raise
            faults.append(error)
            warnings.warn(f"left out: {error}", stacklevel=2)
    if not sites:
        raise ValueError(
            f"`read_edi(path=...)`: none of {len(files)} files can be read; the first: "
            f"{faults[0] if faults else 'no file was given'}"
        )
    return profile(sites, **along)
