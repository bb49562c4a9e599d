"""The contract between the core and what is mounted: all that engines may know."""

from strongroom.framework.context import ANONYMOUS, Caller, Context, Mount, MountConfig
from strongroom.framework.engine import Engine, Nothing, Route
from strongroom.framework.path import CanonicalPath, canonical, segments
from strongroom.framework.path import checked as checked_path
from strongroom.framework.request import Operation, Request
from strongroom.framework.response import Auth, Lease, Raw, Response, WrapInfo
from strongroom.framework.wire import Cidrs, CommaList, Fields, Pairs, Seconds, Texts

__all__ = [
    "ANONYMOUS",
    "Auth",
    "Caller",
    "CanonicalPath",
    "Cidrs",
    "CommaList",
    "Context",
    "Engine",
    "Fields",
    "Lease",
    "Mount",
    "MountConfig",
    "Nothing",
    "Operation",
    "Pairs",
    "Raw",
    "Request",
    "Response",
    "Route",
    "Seconds",
    "Texts",
    "WrapInfo",
    "canonical",
    "checked_path",
    "segments",
]
