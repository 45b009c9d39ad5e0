"""From which origins browsers read media, and to which they upload, by these settings.

Owns that knowledge for whoever makes a page's policy: a web client may reach no place but those named there. Pure. Must
never name more than the depot links to (local.py, s3.py).
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlsplit

from muster.config import Settings


class Origins(NamedTuple):
    """Origins besides the api's own."""

    reads: tuple[str, ...] = ()
    uploads: tuple[str, ...] = ()


def media_origins(settings: Settings) -> Origins:
    """Those that media of these settings need; none for a directory of ours without a CDN."""
    bucket = _bucket(settings) if settings.media_s3_bucket else ()
    if settings.media_cdn_url:
        return Origins((_origin(settings.media_cdn_url),), bucket)
    return Origins(bucket, bucket)


def _bucket(settings: Settings) -> tuple[str, ...]:
    if settings.media_s3_url:
        return (_origin(settings.media_s3_url),)
    region, name = settings.media_s3_region, settings.media_s3_bucket
    hosts = ["s3.amazonaws.com" if region == "us-east-1" else f"s3.{region}.amazonaws.com"]
    if not settings.media_s3_path_style:
        # The first sends a browser on to the second while the bucket is new.
        hosts = [f"{name}.s3.amazonaws.com", f"{name}.s3.{region}.amazonaws.com"]
    return tuple(f"https://{host}" for host in hosts)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
