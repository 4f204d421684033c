#!/usr/bin/env bash
# Django REST framework 3.17.2 with Django 6.1.3: pip installs the two without a word, and the
# framework's views cannot be imported.
#
# DRF asks for a Django of at least a version and names no highest one. Seen: `pip check` finds nothing
# to complain of, and `import rest_framework.views` raises ImportError, as django.utils.cache has no
# `cc_delim_re` since 6.1. DRF 3.18.3 imports. So an upgrade of Django alone, also one that a resolver
# makes where DRF is pinned and Django is not, breaks a service at its start.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Django 6.1 needs Python 3.12, which need not be the first `python3`.
for python in python3 python3.{12,13,14} "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.1[2-9]*/bin/python3; do
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null && break
done
"$python" -m venv "$work/env"
cat >"$work/show.py" <<'PY'
from importlib.metadata import requires, version

from django.conf import settings

settings.configure()
for name in ("django", "djangorestframework"):
    print(name, version(name))
print("  asks for:", requires("djangorestframework"))
try:
    import rest_framework.views
except ImportError as error:
    print("  import rest_framework.views:", error.msg.partition(" (")[0])
    raise SystemExit(3)
print("  import rest_framework.views: succeeds")
PY
for pair in "3.17.2 3" "3.18.3 0"; do
  read -r drf expected <<<"$pair"
  "$work/env/bin/pip" install -q --disable-pip-version-check django==6.1.3 "djangorestframework==$drf"
  "$work/env/bin/pip" check
  status=0
  "$work/env/bin/python" "$work/show.py" || status=$?
  [ "$status" = "$expected" ]
done
