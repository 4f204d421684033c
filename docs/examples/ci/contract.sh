#!/bin/sh
# Start the service, check it at its address, and stop it again.
set -eu
address=http://127.0.0.1:8000

uvicorn service:app --port "${address##*:}" > server.log 2>&1 &
server=$!
trap 'kill "$server"' EXIT
curl -s -o /dev/null --retry 30 --retry-connrefused --retry-delay 1 "$address"

kaiko-middleware check "$address" --unsafe --quiet
