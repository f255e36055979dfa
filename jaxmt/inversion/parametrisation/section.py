"""Sections in ohm m as users give them."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from ...simulation.mesh import Mesh

Section = Float[np.ndarray, "earth y"]

UNSEEN = 100.0
"""Resistivity that cells above the surface are given unless `values` says otherwise, ohm m: nothing depends
on it."""


def as_section(mesh: Mesh, given: Any, argument: str) -> Section:
    """A section in ohm m from a number or a section. Raises `ValueError`, naming `argument`, for others."""
    try:
        section = np.asarray(given, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(
            f"`{argument}=...)` must be a number or a section in ohm m. Got a {type(given).__name__}."
        ) from None
    if section.ndim == 0:
        section = np.full(mesh.shape, float(section))
    if section.shape != mesh.shape:
        raise ValueError(
            f"`{argument}=...)` must be a number or have shape (earth rows, columns) = {mesh.shape}, in "
            f"ohm m. Got {section.shape}."
        )
    good = np.isfinite(section) & (section > 0)
    if not np.all(good):
        raise ValueError(
            f"`{argument}=...)` must be positive and finite, in ohm m. Got {section[~good][0]}."
        )
    return section


def as_parameters(given: Any, argument: str) -> Float[Array, " parameter"]:
    """Parameters as they were given. Raises `ValueError`, naming `argument`, unless they are finite."""
    parameters = jnp.asarray(given, dtype=float)
    if not bool(jnp.all(jnp.isfinite(parameters))):
        raise ValueError(f"`{argument}=...)` must be finite. Got parameters of which some are not.")
    return parameters


def free_cells(mesh: Mesh, fixed: Bool[np.ndarray, "earth y"] | None) -> Bool[np.ndarray, "earth y"]:
    """True for cells that are neither fixed nor above the surface."""
    return ~mesh.air if fixed is None else ~(fixed | mesh.air)


def fixed_values(mesh: Mesh, values: Float[np.ndarray, "..."] | None) -> Section:
    """log10 of what the cells that are not free hold."""
    return (
        np.full(mesh.shape, np.log10(UNSEEN)) if values is None else np.log10(as_section(mesh, values, ""))
    )


def filled(
    known: Section, free: Bool[np.ndarray, "earth y"], values: Float[Array, " free_cell"]
) -> Float[Array, "earth y"]:
    """A section with `values` in its free cells, row by row, and `known` elsewhere."""
    if free.all():
        # A scatter takes seconds to compile.
        return values.reshape(free.shape)
    return jnp.asarray(known).at[free].set(values, mode="promise_in_bounds", unique_indices=True)


def of_free(
    section: Float[Array, "earth y"], free: Bool[np.ndarray, "earth y"]
) -> Float[Array, " free_cell"]:
    """The free cells of a section, row by row."""
    if free.all():
        return section.ravel()
    return section.at[free].get(mode="promise_in_bounds", unique_indices=True)


def check_fixed(name: str, mesh: Mesh, fixed: Bool[np.ndarray, "earth y"] | None, values: Any) -> None:
    """Raises `ValueError` for fixed cells of the wrong shape, without values or all over the section."""
    if fixed is not None and (fixed.shape != mesh.shape or fixed.dtype != bool):
        raise ValueError(
            f"`{name}(fixed=...)` must hold booleans and have shape (earth rows, columns) = {mesh.shape}. "
            f"Got {fixed.dtype} of shape {fixed.shape}."
        )
    if not free_cells(mesh, fixed).any():
        raise ValueError(f"`{name}(fixed=...)` fixes every cell; leave at least one free.")
    if values is not None:
        as_section(mesh, values, f"{name}(values")
    elif fixed is not None and fixed.any():
        raise ValueError(
            f"`{name}(fixed=..., values=...)` go together: give the resistivity of the fixed cells, a "
            "number or a section in ohm m."
        )
