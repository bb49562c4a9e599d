"""zlib streams at the speed of `isal`; its stub names an instance where the error class is."""

from __future__ import annotations

from isal import isal_zlib

InflateError: type[Exception] = isal_zlib.error  # type: ignore[assignment]
inflate = isal_zlib.decompress
inflater = isal_zlib.decompressobj
crc32 = isal_zlib.crc32
