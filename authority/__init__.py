"""Authority: a self-hosted credential authority with the AWS role model, on a log that can be replayed."""

from __future__ import annotations
