"""The probes of the running machine: small questions to the operating system, each with an answer or None.

Rule of this file: no probe raises, starts a process or takes long; what can't be told is None. `engine.system.machine`
decides what the answers mean.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import Any, Final

_SYSTEM: Final[str] = str(sys.platform)  # a plain text, so that mypy reads the branches of other systems too

_V2: Final = frozenset({"cx16", "lahf_lm", "popcnt", "ssse3", "sse4_1", "sse4_2"})
_V3: Final = _V2 | {"avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe"}
_V4: Final = _V3 | {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}
_LEVELS: Final = (("x86_64_v4", _V4), ("x86_64_v3", _V3), ("x86_64_v2", _V2))
"""The levels of the x86-64 psABI, which the archspec database has too, in the words of Linux."""

_DARWIN_NAMES: Final = {"sse4.1": "sse4_1", "sse4.2": "sse4_2", "avx1.0": "avx", "lahf": "lahf_lm", "lzcnt": "abm"}
_WINDOWS_AVX2: Final = 40
_WINDOWS_SSE42: Final = 38
"""Numbers of `IsProcessorFeaturePresent`."""

_GLIBC_LOADERS: Final = ("/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1", "/lib64/ld64.so.2")
_UNKNOWN_GLIBC: Final = "2.17"
"""CEP 30's example for a GNU libc whose version can't be told."""


def glibc() -> str | None:
    """``major.minor`` of the GNU C library; None where the C library is another one."""
    if _SYSTEM != "linux":
        return None
    try:
        name, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
    except (ValueError, OSError):
        name = version = ""
    if name == "glibc" and version:
        return ".".join(version.split(".")[:2])
    # A statically linked interpreter knows nothing of the C library beside it.
    return _UNKNOWN_GLIBC if any(os.path.exists(loader) for loader in _GLIBC_LOADERS) else None


def kernel() -> str | None:
    """What ``uname -r`` says on Linux."""
    return os.uname().release if _SYSTEM == "linux" else None


def macos() -> str | None:
    """The version of macOS as it is: not 10.16, which it tells to programs built for older systems."""
    if _SYSTEM != "darwin":
        return None
    return _darwin_text("kern.osproductversion") or _mac_ver()


def _mac_ver() -> str | None:
    import platform

    return platform.mac_ver()[0] or None


def windows() -> str | None:
    """``major.minor.build`` of Windows."""
    if _SYSTEM != "win32":
        return None
    version: tuple[int, ...] = getattr(sys, "getwindowsversion")().platform_version  # noqa: B009
    return ".".join(str(part) for part in version)


def microarchitecture() -> str | None:
    """The x86-64 level of the processor; None for other processors, or if nothing can be told."""
    flags = _cpu_flags()
    if not flags:
        return None
    return next((name for name, needed in _LEVELS if needed <= flags), "x86_64")


def _cpu_flags() -> frozenset[str]:
    if _SYSTEM == "linux":
        return _linux_flags("/proc/cpuinfo")
    if _SYSTEM == "darwin":
        texts = (_darwin_text(f"machdep.cpu.{name}") for name in ("features", "leaf7_features", "extfeatures"))
        return frozenset(_darwin_flags(text for text in texts if text))
    if _SYSTEM == "win32":
        return _windows_flags()
    return frozenset()


def _linux_flags(path: str) -> frozenset[str]:
    """The flags of the first processor (the kernel lists only what all of them have)."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            line = next((line for line in file if line.startswith("flags")), "")
    except OSError:
        return frozenset()
    return frozenset(line.partition(":")[2].split())


def _darwin_flags(texts: Iterable[str]) -> Iterable[str]:
    for text in texts:
        for word in text.lower().split():
            yield _DARWIN_NAMES.get(word, word)


def _windows_flags() -> frozenset[str]:
    """Windows tells of few features; every processor that has these has the rest of their level."""
    kernel32 = _library("kernel32")
    if kernel32 is None or os.environ.get("PROCESSOR_ARCHITECTURE") != "AMD64":
        return frozenset()
    if kernel32.IsProcessorFeaturePresent(_WINDOWS_AVX2):
        return _V3
    return _V2 if kernel32.IsProcessorFeaturePresent(_WINDOWS_SSE42) else frozenset({"sse2"})


def _darwin_text(name: str) -> str | None:
    """A text that ``sysctl`` knows."""
    import ctypes

    libc = _library("libc.dylib")
    size, buffer = ctypes.c_size_t(4096), ctypes.create_string_buffer(4096)
    if libc is None or libc.sysctlbyname(name.encode(), buffer, ctypes.byref(size), None, 0) != 0:
        return None
    return buffer.value.decode("utf-8", "replace") or None


def _library(*names: str) -> Any:
    """The first of the libraries that can be loaded, or None."""
    import ctypes

    for name in names:
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    return None


_NVIDIA_DEVICES: Final = ("/dev/nvidiactl", "/dev/dxg", "/proc/driver/nvidia/version", "/dev/nvhost-ctrl-gpu")
"""Without one of these no driver can answer on Linux (the second: WSL, the last: Jetson): no library is loaded."""


def cuda() -> tuple[str | None, str | None]:
    """The newest CUDA version that the driver can run, and the lowest compute capability of all devices (CEP 46)."""
    if _SYSTEM == "linux" and not any(os.path.exists(device) for device in _NVIDIA_DEVICES):
        return None, None
    if _SYSTEM not in {"linux", "win32"}:
        return None, None  # no driver for macOS since 2018
    version, capability = _ask_nvml()
    return version or _ask_driver(), capability


def _ask_nvml() -> tuple[str | None, str | None]:
    """By the management library, which answers in milliseconds and touches no device."""
    nvml = _library("nvml.dll") if _SYSTEM == "win32" else _library("libnvidia-ml.so.1")
    if nvml is None or nvml.nvmlInit_v2() != 0:
        return None, None
    try:
        return _number(nvml, "nvmlSystemGetCudaDriverVersion_v2"), _lowest_capability(nvml)
    except AttributeError:  # a library so old that it has no such question
        return None, None
    finally:
        nvml.nvmlShutdown()


def _lowest_capability(nvml: Any) -> str | None:
    import ctypes

    count = ctypes.c_uint()
    if nvml.nvmlDeviceGetCount_v2(ctypes.byref(count)) != 0:
        return None
    found = []
    for index in range(count.value):
        device, major, minor = ctypes.c_void_p(), ctypes.c_int(), ctypes.c_int()
        if nvml.nvmlDeviceGetHandleByIndex_v2(index, ctypes.byref(device)) != 0:
            continue
        if nvml.nvmlDeviceGetCudaComputeCapability(device, ctypes.byref(major), ctypes.byref(minor)) == 0:
            found.append((major.value, minor.value))
    return "{}.{}".format(*min(found)) if found else None


def _ask_driver() -> str | None:
    """By the driver's own library, for systems without the management library (WSL, Jetson)."""
    driver = _library("nvcuda.dll") if _SYSTEM == "win32" else _library("libcuda.so.1", "/usr/lib/wsl/lib/libcuda.so.1")
    return _number(driver, "cuDriverGetVersion") if driver is not None else None


def _number(library: Any, question: str) -> str | None:
    """A version that a library gives as 1000 * major + 10 * minor."""
    import ctypes

    version = ctypes.c_int()
    if getattr(library, question)(ctypes.byref(version)) != 0 or version.value <= 0:
        return None
    return f"{version.value // 1000}.{version.value % 1000 // 10}"
