"""What holds of all tests: none is judged by how long it takes on the machine of the day."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("authority", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("authority")
