"""Keys in Django's admin: made, shown once, and revoked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin, messages

from kaiko_guards.django_keys.models import ApiKey

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest

    ModelAdmin = admin.ModelAdmin[ApiKey]
else:
    ModelAdmin = admin.ModelAdmin  # only the stubs know what it is of


@admin.register(ApiKey)
class ApiKeyAdmin(ModelAdmin):
    """Makes keys, and revokes them."""

    # The stubs have types of their own for these.
    readonly_fields: ClassVar[Any] = ("lookup", "created_at", "last_used_at", "revoked_at")
    list_display: Any = ("name", "scopes", *readonly_fields, "expires_at")
    search_fields: ClassVar[Any] = ("name", "lookup")
    fields: ClassVar[Any] = ("name", "scopes", "expires_at", *readonly_fields)
    actions: Any = ("revoke",)

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:  # noqa: FBT001 - as the base has it
        """Store an entry; a new one gets its key, which is shown this once."""
        key = None if change else obj.fill()
        super().save_model(request, obj, form, change)
        if key is not None:
            messages.warning(request, f"The key is {key}. It is not shown again.")

    @admin.action(description="Revoke the selected keys", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        """Make keys invalid."""
        for key in queryset:
            key.revoke()
        messages.success(request, f"{len(queryset)} revoked.")
