"""A function of the host that a compiled program calls by name.

JAX's own callbacks are bound to the process that made them, so no program that holds one is kept on disk.
Here the program holds a name alone, and the name leads to a Python function in a table of this process:
XLA's foreign function interface calls one handler, which ctypes makes of Python, with the name as an
attribute. Whoever traces a program writes its function into the table, so that a program that was kept on
disk finds it there.

The structures are those of `xla/ffi/api/c_api.h`, a stable binary interface (major version 0).
"""

import ctypes
import functools
import math
import traceback
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool

TARGET = "jaxmt_host_call"
Function = Callable[..., None]
"""Takes the array of the result, to be filled, then those of the arguments, to be read: views of XLA's
memory, good while the call lasts."""

_EXECUTE = 3
_INTERNAL = 13
_METADATA_EXTENSION = 1
_MAJOR = 0
_DTYPES = {
    1: np.bool_,
    4: np.int32,
    5: np.int64,
    11: np.float32,
    12: np.float64,
    15: np.complex64,
    18: np.complex128,
}
_functions: dict[str, Function] = {}


def host_call(name: str, function: Function, result: jax.ShapeDtypeStruct, *arguments: Array) -> Array:
    """Calls `function(result, *arguments)` on the host, under `name` with a number if that is taken.

    Under `vmap` arguments and result gain leading axes, of length 1 where an argument has none. An
    exception in `function` ends the program as an error of XLA that holds its text.
    """
    _register()
    unique, number = name, 1
    while _functions.setdefault(unique, function) != function:
        number += 1
        unique = f"{name} ({number})"
    call = jax.ffi.ffi_call(TARGET, result, vmap_method="expand_dims")
    return call(*arguments, name=unique)


def require(good: Bool[Array, ""], values: Array, message: str) -> Array:
    """Values that raise `message` at run time unless they are good: `equinox.error_if` by name."""
    result = jax.ShapeDtypeStruct((), np.bool_)
    passed = host_call(f"require: {message}", _requirement(message), result, lax.stop_gradient(good))
    return jnp.where(passed, values, jnp.nan)


class _NotGoodError(ValueError):
    """Values that are not what was required of them."""


@functools.cache
def _requirement(message: str) -> Function:
    def check(passed: np.ndarray, good: np.ndarray) -> None:
        if not good.all():
            raise _NotGoodError(message)
        passed[...] = True

    return check


class _Head(ctypes.Structure):
    _fields_ = (("size", ctypes.c_size_t), ("extension", ctypes.c_void_p))


class _Extension(ctypes.Structure):
    _fields_ = (("size", ctypes.c_size_t), ("type", ctypes.c_int), ("next", ctypes.c_void_p))


class _Version(ctypes.Structure):
    _fields_ = (("head", _Head), ("major", ctypes.c_int), ("minor", ctypes.c_int))


class _Metadata(ctypes.Structure):
    _fields_ = (
        ("size", ctypes.c_size_t),
        ("version", _Version),
        ("traits", ctypes.c_uint32),
        ("state", ctypes.c_int64),
    )


class _MetadataExtension(ctypes.Structure):
    _fields_ = (("base", _Extension), ("metadata", ctypes.POINTER(_Metadata)))


class _Buffer(ctypes.Structure):
    _fields_ = (
        ("head", _Head),
        ("dtype", ctypes.c_int),
        ("data", ctypes.c_void_p),
        ("rank", ctypes.c_int64),
        ("dims", ctypes.POINTER(ctypes.c_int64)),
    )


class _Buffers(ctypes.Structure):
    _fields_ = (
        ("head", _Head),
        ("number", ctypes.c_int64),
        ("types", ctypes.c_void_p),
        ("buffers", ctypes.POINTER(ctypes.POINTER(_Buffer))),
    )


class _Bytes(ctypes.Structure):
    _fields_ = (("start", ctypes.c_void_p), ("length", ctypes.c_size_t))

    def text(self) -> str:
        return ctypes.string_at(self.start, self.length).decode()


class _Attributes(ctypes.Structure):
    _fields_ = (
        ("head", _Head),
        ("number", ctypes.c_int64),
        ("types", ctypes.POINTER(ctypes.c_int)),
        ("names", ctypes.POINTER(ctypes.POINTER(_Bytes))),
        ("values", ctypes.POINTER(ctypes.c_void_p)),
    )


class _ErrorArguments(ctypes.Structure):
    _fields_ = (("head", _Head), ("message", ctypes.c_char_p), ("code", ctypes.c_int))


_CreateError = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.POINTER(_ErrorArguments))


class _Api(ctypes.Structure):
    _fields_ = (
        ("head", _Head),
        ("version", _Version),
        ("internal", ctypes.c_void_p),
        ("create_error", _CreateError),
    )


class _Frame(ctypes.Structure):
    _fields_ = (
        ("head", _Head),
        ("api", ctypes.POINTER(_Api)),
        ("context", ctypes.c_void_p),
        ("stage", ctypes.c_int),
        ("arguments", _Buffers),
        ("results", _Buffers),
        ("attributes", _Attributes),
    )


def _array(buffer: _Buffer) -> np.ndarray:
    """A view of the buffer's memory."""
    shape = buffer.dims[: buffer.rank]
    dtype = np.dtype(_DTYPES[buffer.dtype])
    size = dtype.itemsize * math.prod(shape)
    if size == 0:
        return np.empty(shape, dtype)
    memory = memoryview((ctypes.c_char * size).from_address(buffer.data)).cast("B")
    return np.frombuffer(memory, dtype).reshape(shape)


def _arrays(buffers: _Buffers) -> list[np.ndarray]:
    return [_array(buffers.buffers[k].contents) for k in range(buffers.number)]


def _handle(address: int) -> int | None:
    """What XLA calls, with the address of a frame: no error is None."""
    frame = _Frame.from_address(address)
    if frame.head.extension:
        # XLA asks at registration for which version of its interface this was written.
        extension = _MetadataExtension.from_address(frame.head.extension)
        if extension.base.type == _METADATA_EXTENSION:
            theirs = frame.api.contents.version
            # Of another major version these structures say nothing: without an answer XLA refuses.
            if theirs.major == _MAJOR:
                version = extension.metadata.contents.version
                version.major, version.minor = theirs.major, theirs.minor
            return None
    if frame.stage != _EXECUTE:
        return None
    try:
        value = ctypes.cast(frame.attributes.values[0], ctypes.POINTER(_Bytes)).contents
        _functions[value.text()](*_arrays(frame.results), *_arrays(frame.arguments))
    except BaseException as error:  # noqa: BLE001 - an interrupt, too, must not pass through XLA's frames
        known = isinstance(error, _NotGoodError)
        text = (str(error) if known else "".join(traceback.format_exception(error))).encode()
        size = ctypes.sizeof(_ErrorArguments)
        return frame.api.contents.create_error(_ErrorArguments(_Head(size, None), text, _INTERNAL))
    return None


_handler = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)(_handle)
"""Kept for as long as the process lives: XLA holds its address."""


@functools.cache
def _register() -> None:
    capsule = ctypes.pythonapi.PyCapsule_New
    capsule.restype, capsule.argtypes = (
        ctypes.py_object,
        (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p),
    )
    jax.ffi.register_ffi_target(
        TARGET, capsule(ctypes.cast(_handler, ctypes.c_void_p), None, None), platform="cpu"
    )
