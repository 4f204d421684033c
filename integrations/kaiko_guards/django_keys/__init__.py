"""API keys in the database of a Django project: a model, its admin, a command and a verifier.

    INSTALLED_APPS = [..., "kaiko_guards.django_keys"]
    KAIKO_GUARDS = {"guards": "shop.guards.GUARDS"}  # GUARDS = [ApiKeys(CachedKeys(ModelKeys()))]

    $ python manage.py migrate kaiko_keys
    $ python manage.py kaiko_key create billing --scope contexts:read

A key is shown once, when it is made; what is stored is its digest.
"""
