"""Authority: a self-hosted credential authority with the AWS role model, on a log that can be replayed."""

from __future__ import annotations

from typing import Final

__version__: Final = "0.1.0"
