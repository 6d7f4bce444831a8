"""The AWS protocols, judged by what botocore sends and reads."""

from __future__ import annotations
