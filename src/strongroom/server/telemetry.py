"""`[telemetry]`: OpenTelemetry traces, for who asks for them; else none of it is imported or called.

What is traced is a table of methods, wrapped while the server runs. A span says which kind of mount and
which operation, how it ended and how long it took. It names no path below the mount, no secret, no
token, no address, and of an error its class alone.
"""

from __future__ import annotations

import asyncio
import functools
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from msgspec import Struct

from strongroom.server.problems import StartFailed

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer

VARIABLES = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
DISABLED = "OTEL_SDK_DISABLED"
PACKAGES = ("opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http.trace_exporter")
_EXPORT_SECONDS = 5.0
Method = Callable[..., Awaitable[Any]]


class TelemetrySettings(Struct, frozen=True, forbid_unknown_fields=True):
    """`[telemetry]`: where the collector is, by OTLP over HTTP: `https://collector:4318`."""

    otlp_endpoint: str = ""


INSIDE = {
    "authenticate": (("strongroom.core.core", "identify"),),
    "authorise": (("strongroom.core.core:Core", "_authorise"),),
    "audit.sync": (("strongroom.audit.log:Log", "flushed"),),
    "storage.commit": (("strongroom.storage.sqlite:SqliteStorage", "apply"),),
    "job.step": (("strongroom.jobs.context:JobContext", "step"),),
    "job.change": (("strongroom.jobs.context:JobContext", "change"),),
}
"""Spans inside a request or a job, and what they are of: a module or a class, and its function."""
SHARED = {"storage.commit": (("strongroom.storage.postgresql.storage:PostgresqlStorage", "commit"),)}


def wanted(settings: TelemetrySettings, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the configuration, or the environment in OpenTelemetry's own words, asks for traces."""
    if environ.get(DISABLED, "").lower() == "true":
        return False
    return bool(settings.otlp_endpoint) or any(environ.get(name) for name in VARIABLES)


@asynccontextmanager
async def tracing(settings: TelemetrySettings, *, shared: bool) -> AsyncIterator[None]:
    """Trace for as long as this lasts, if that is wanted. Raises StartFailed."""
    if not wanted(settings):
        yield
        return
    provider = _provider(settings)
    tracer = provider.get_tracer("strongroom")
    async with AsyncExitStack() as stack:
        stack.push_async_callback(asyncio.to_thread, provider.shutdown)
        stack.enter_context(_wrapped("strongroom.api.app:Api", "answer", _request(tracer)))
        stack.enter_context(_wrapped("strongroom.core.metrics:Metrics", "count", _described))
        stack.enter_context(_wrapped("strongroom.server.repeats:Repeats", "keep", _nothing_kept))
        stack.enter_context(_wrapped("strongroom.jobs.leg:Leg", "run", _spanned(tracer, "job", root=True)))
        stack.enter_context(_wrapped("strongroom.jobs.leg:Leg", "_claim", _claimed))
        for table in (INSIDE, SHARED) if shared else (INSIDE,):
            for name, places in table.items():
                for owner, function in places:
                    stack.enter_context(_wrapped(owner, function, _spanned(tracer, name)))
        yield


def _provider(settings: TelemetrySettings) -> Any:
    """The SDK with one exporter; what is not set here, OTEL_* sets."""
    if settings.otlp_endpoint and not _address(settings.otlp_endpoint):
        raise StartFailed(
            "telemetry.otlp_endpoint is no address",  # nor is it shown: a password may be in it
            "It is the collector's address for OTLP over HTTP.",
            'Write for example otlp_endpoint = "https://collector:4318".',
        )
    if not all(map(_installed, PACKAGES)):
        raise StartFailed(
            "traces need a package that is not installed",
            "opentelemetry's SDK or its OTLP exporter is not found.",
            'Install it with: pip install "strongroom[telemetry]"',
        )
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 (an extra)
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 (same)
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 (same)
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 (same)

    from strongroom import __version__  # noqa: PLC0415 (for this alone)

    endpoint = settings.otlp_endpoint
    exporter = OTLPSpanExporter(
        endpoint=f"{endpoint.rstrip('/')}/v1/traces" if endpoint else None, timeout=_EXPORT_SECONDS
    )
    named = {
        "service.name": os.environ.get("OTEL_SERVICE_NAME", "strongroom"),
        "service.version": __version__,
    }
    provider = TracerProvider(resource=Resource.create(named), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


def _address(endpoint: str) -> bool:
    """Whether a URL names a host, and a port that there may be."""
    try:
        parts = urlsplit(endpoint)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:
        return False


@contextmanager
def _wrapped(owner: str, function: str, around: Callable[[Any], Any]) -> Iterator[None]:
    """Replace a function of a class (`module:class`) or module meanwhile."""
    module, _, kind = owner.partition(":")
    place = import_module(module)
    place = getattr(place, kind) if kind else place
    original = getattr(place, function)
    setattr(place, function, functools.wraps(original)(around(original)))
    try:
        yield
    finally:
        setattr(place, function, original)


@contextmanager
def _span(tracer: Tracer, name: str, **more: Any) -> Iterator[Span]:
    """A span that is the present one; of an error that leaves it, it has the class."""
    from opentelemetry.trace import StatusCode  # noqa: PLC0415 (an extra)

    # The SDK would keep an exception's text, which may quote what it is about.
    with tracer.start_as_current_span(
        name, record_exception=False, set_status_on_exception=False, **more
    ) as span:
        try:
            yield span
        except BaseException as error:
            span.set_attribute("error.type", type(error).__name__)
            span.set_status(StatusCode.ERROR)
            raise


def _spanned(tracer: Tracer, name: str, *, root: bool = False) -> Callable[[Method], Method]:
    """A span around each call; without a `root` only inside another that is recorded."""
    from opentelemetry.trace import get_current_span  # noqa: PLC0415 (an extra)

    def around(original: Method) -> Method:
        async def traced(*args: Any, **kwargs: Any) -> Any:
            if not root and not get_current_span().is_recording():
                return await original(*args, **kwargs)
            with _span(tracer, name):
                return await original(*args, **kwargs)

        return traced

    return around


def _claimed(original: Method) -> Method:
    """Say of a job's span which one it is."""
    from opentelemetry.trace import get_current_span  # noqa: PLC0415 (an extra)

    async def claim(leg: Any) -> Any:
        found = await original(leg)
        if found is not None:
            span = get_current_span()
            span.update_name(f"job {found[0].kind}")
            span.set_attribute("strongroom.job", found[0].id)
        return found

    return claim


def _request(tracer: Tracer) -> Callable[[Method], Method]:
    """A span around each call of the API, inside the caller's own by its `traceparent` (W3C)."""
    from opentelemetry.trace import SpanKind, StatusCode  # noqa: PLC0415 (an extra)
    from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415 (same)
        TraceContextTextMapPropagator,
    )

    propagator = TraceContextTextMapPropagator()

    def around(original: Method) -> Method:
        async def answer(api: Any, call: Any) -> Any:
            context = propagator.extract(call.headers)
            with _span(tracer, call.method, context=context, kind=SpanKind.SERVER) as span:
                span.set_attribute("http.request.method", call.method)
                given = await original(api, call)
                span.set_attribute("http.response.status_code", given.status)
                if given.status >= 500:
                    span.set_status(StatusCode.ERROR)
                return given

        return answer

    return around


def _nothing_kept(_: Callable[..., None]) -> Callable[..., None]:
    """Answers given again would pass by the API, and have no span (ADR 0014)."""

    def keep(*_: object) -> None:
        """Have every request asked anew."""

    return keep


def _described(original: Callable[..., None]) -> Callable[..., None]:
    """Say of the request's span what is said of it in metrics, and its id, which is in the audit log."""
    from opentelemetry.trace import get_current_span  # noqa: PLC0415 (an extra)

    def count(metrics: Any, request: Any, mount: Any, seconds: float, error: Exception | None) -> None:
        original(metrics, request, mount, seconds, error)
        span = get_current_span()
        if mount is not None:
            span.update_name(f"{request.operation} {mount.path}")
            span.set_attribute("strongroom.mount", mount.path)
            span.set_attribute("strongroom.mount_type", mount.kind)
        span.set_attribute("strongroom.operation", str(request.operation))
        span.set_attribute("strongroom.request_id", request.id)
        if request.namespace and mount is not None:
            span.set_attribute("strongroom.namespace", request.namespace)
        if error is not None:
            span.set_attribute("error.type", type(error).__name__)

    return count
