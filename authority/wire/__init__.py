"""AWS protocols as bytes and values: who signed, what was asked, how an answer is spelled.

Knows no socket, no clock and no state; what it cannot read it refuses, and it never raises for a stranger's bytes.
"""

from __future__ import annotations
