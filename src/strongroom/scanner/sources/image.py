"""A container image as a source: every layer once, files that later layers delete too, and the configuration.

Sources: the OCI image specification 1.1 and `docker save`. A layer is named by
its digest; what a whiteout (`.wh.`) hides is still in the layer below, and so
is scanned with it.
"""

from __future__ import annotations

import io
import os
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from strongroom.errors import InvalidRequest, NotFound, StrongroomError
from strongroom.scanner.archives.budget import Budget, Refused
from strongroom.scanner.archives.kinds import HEAD, sniff
from strongroom.scanner.archives.opening import SUFFIXES, Opener
from strongroom.scanner.archives.streams import Damaged
from strongroom.scanner.blob import Blob, Provenance
from strongroom.scanner.limits import Limits
from strongroom.scanner.sources.image_config import annotation_text, config_texts
from strongroom.scanner.sources.image_store import FolderStore, RegistryStore, TarStore, read_json
from strongroom.scanner.sources.registry import parse_reference
from strongroom.scanner.sources.registry_login import credentials as credentials_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from strongroom.scanner.sources.image_store import Store

LAYER_LIMITS = Limits(max_members=2_000_000, max_expanded=256 << 30, seconds=1800.0)
INDEXES_DEEP = 3
DEFAULT_PLATFORM = "linux/amd64"
DIGEST_SHOWN = len("sha256:") + 12
STEP = 1 << 20
PACKED = (".tar", ".tgz", ".gz", ".zst", ".xz", ".bz2")  # how a file is called, and no image


class Layer(NamedTuple):
    """One layer: what to ask the store for, how it is shown, and its size in bytes as stored."""

    name: str
    shown: str
    size: int


class ImageSource:
    """The image in `target`: a saved image or OCI layout (file or folder), or a reference at a registry.

    `platform` chooses from an index at a registry; a local index is read whole.
    """

    def __init__(
        self,
        target: str,
        *,
        platform: str = DEFAULT_PLATFORM,
        credentials: tuple[str, str] | None = None,
        limits: Limits = LAYER_LIMITS,
    ) -> None:
        self.target = target
        self.platform = platform
        self.warnings: list[str] = []
        self._credentials = credentials
        self._limits = limits
        self._layers: dict[str, Layer] = {}
        self._texts: dict[tuple[str, str], str] = {}

    def shards(self, count: int) -> list[Callable[[], Iterator[Blob]]]:
        """Split the layers over the workers by size; the configuration goes with the first."""
        if self._is_packed():
            return [self._packed]
        try:
            store = self._open()
        except (KeyError, TypeError, AttributeError) as error:
            raise InvalidRequest(f"{self.target}: its manifest is not of the form it should be") from error
        loads = [0] * max(1, count)
        shares: list[list[Layer]] = [[] for _ in loads]
        for layer in sorted(self._layers.values(), key=lambda layer: -layer.size):
            least = loads.index(min(loads))
            loads[least] += layer.size + STEP
            shares[least].append(layer)
        parts: list[Callable[[], Iterator[Blob]]] = [self._configuration]
        parts += [partial(self._read, store, share) for share in shares if share]
        if len(parts) > len(loads):
            parts[:2] = [partial(self._both, store, shares[0])]
        return parts

    def trace(self, ids: Collection[str]) -> Mapping[str, list[Provenance]]:
        """Nothing to add: each blob comes with its layer and path."""
        return {}

    def _is_packed(self) -> bool:
        """Whether the target is a compressed file, as `docker save | gzip` makes."""
        if not os.path.isfile(self.target):
            return False
        with open(self.target, "rb") as file:
            return sniff(file.read(HEAD), self.target) in SUFFIXES

    def _packed(self) -> Iterator[Blob]:
        """Yield what a compressed image holds, from front to back: its layers are archives in an archive."""
        size = os.path.getsize(self.target)
        opener = Opener("", Budget(self._limits, max(size, STEP)), self.warnings.append)
        at = Provenance(self.target)
        try:
            with io.BufferedReader(io.FileIO(self.target), STEP) as reader:
                yield from opener.open(reader, at)
        except Refused as refused:
            opener.warn(at, str(refused))

    def _open(self) -> Store | None:
        """Find the layers and configurations, and return what to read them from (None: a registry)."""
        if os.path.isdir(self.target):
            store: Store = FolderStore(self.target)
        elif os.path.exists(self.target):
            store = self._saved()
        elif self.target.startswith(("/", ".")) or self.target.endswith(PACKED):
            raise NotFound(f"{self.target}: no such file")
        else:
            self._pull()
            return None
        if store.has("manifest.json") and not store.has("oci-layout"):
            self._docker(store)
        elif store.has("index.json"):
            self._index(store, read_json(store, "index.json"), INDEXES_DEEP)
        else:
            raise InvalidRequest(f"{self.target} is no saved image and no OCI layout")
        return store

    def _saved(self) -> Store:
        try:
            return TarStore(self.target)
        except (Damaged, ValueError, OSError) as error:
            raise InvalidRequest(f"{self.target} is no uncompressed tar file of an image") from error

    def _docker(self, store: Store) -> None:
        for entry in read_json(store, "manifest.json")["manifests"]:
            self._config(read_json(store, str(entry["Config"])))
            for name in map(str, entry.get("Layers") or ()):
                self._layers[name] = Layer(name, name.removesuffix("/layer.tar"), 0)

    def _index(self, store: Store, index: dict[str, Any], depth: int) -> None:
        """Read the manifests of an index; one that is not here (another platform) is passed over."""
        for entry in index.get("manifests") or ():
            digest = str(entry.get("digest", ""))
            if not store.has(digest):
                self.warnings.append(f"{self.target}: {digest[:DIGEST_SHOWN]} is named and not there")
            elif depth:
                manifest = read_json(store, digest)
                if "manifests" in manifest:
                    self._index(store, manifest, depth - 1)
                else:
                    self._manifest(store, manifest)

    def _manifest(self, store: Store, manifest: dict[str, Any]) -> None:
        config = manifest.get("config") or {}
        if "json" in str(config.get("mediaType", "")) and config.get("digest"):
            self._config(read_json(store, str(config["digest"])))
        self._add_text("annotations.properties", annotation_text(manifest))
        for layer in manifest.get("layers") or ():
            digest = str(layer.get("digest", ""))
            size = layer.get("size")
            self._layers[digest] = Layer(digest, digest, size if isinstance(size, int) else 0)

    def _config(self, config: dict[str, Any]) -> None:
        for name, text in config_texts(config):
            self._add_text(name, text)

    def _add_text(self, name: str, text: str) -> None:
        if text:
            self._texts[name, text] = text

    def _pull(self) -> None:
        with closing(self._registry()) as store:
            manifest, _ = store.manifest(store.reference.version)
            if manifest.get("manifests"):
                manifest, _ = store.manifest(self._chosen(manifest["manifests"]))
            self._manifest(store, manifest)

    def _registry(self) -> RegistryStore:
        reference = parse_reference(self.target)
        return RegistryStore(reference, self._credentials or credentials_of(reference.host))

    def _chosen(self, entries: list[dict[str, Any]]) -> str:
        """Return the digest of the manifest for our platform, or of the first that is an image."""
        names: dict[str, str] = {}
        for entry in entries:
            about = entry.get("platform") or {}
            names.setdefault(f"{about.get('os')}/{about.get('architecture')}", str(entry.get("digest", "")))
        names.pop("unknown/unknown", None)
        if not names:
            raise NotFound(f"{self.target}: its index names no image")
        if self.platform not in names:
            self.warnings.append(f"{self.target} has no {self.platform}: scanning {next(iter(names))}")
        return names.get(self.platform) or next(iter(names.values()))

    def _both(self, store: Store | None, layers: list[Layer]) -> Iterator[Blob]:
        yield from self._configuration()
        yield from self._read(store, layers)

    def _configuration(self) -> Iterator[Blob]:
        for (name, _), text in self._texts.items():
            yield Blob("", text.encode("utf-8", "replace"), Provenance(self.target, inside=("config", name)))

    def _read(self, store: Store | None, layers: list[Layer]) -> Iterator[Blob]:
        """Yield what layers hold: in a worker, which makes its own connections."""
        if store is None:
            with closing(self._registry()) as pulled:
                yield from self._read(pulled, layers)
            return
        for layer in layers:
            at = Provenance(self.target, inside=(f"layer {layer.shown[:DIGEST_SHOWN]}",))
            opener = Opener("", Budget(self._limits, max(layer.size, STEP)), self.warnings.append)
            try:
                with store.read(layer.name) as reader:
                    yield from opener.open(reader, at)
                    while reader.read(STEP):  # to the end, where a pulled layer is verified
                        pass
            except Refused as refused:
                opener.warn(at, str(refused))
            except StrongroomError as error:
                opener.warn(at, str(error))
