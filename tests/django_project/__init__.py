"""The Django project that every suite of this checkout shares: settings are process-global."""
