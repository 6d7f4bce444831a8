"""What may be asked of the log and what is answered: queries as values, who may see what, how a record reads."""

from __future__ import annotations
