#!/usr/bin/env bash
# Builds the server's image without a daemon or a registry and runs it: root on Debian, about ten minutes.
# Debian's own Python stands in for Docker's python:3.11-slim image. What it cannot show: seccomp, limits
# and the read-only root that a container runtime adds. EXTRAS=s3,awskms builds them in. A mirror of
# Debian's packages may be given; else debootstrap knows its own.
set -euo pipefail
cd "$(dirname "$0")/.."

for program in buildah debootstrap openssl; do
  PATH="$PATH:/usr/sbin" command -v "$program" >/dev/null || { echo "apt-get install buildah debootstrap openssl" >&2; exit 2; }
done
place=$(mktemp -d)
export BUILDAH_ISOLATION=chroot
run() { buildah --root "$place/store" --runroot "$place/run" --storage-driver vfs "$@"; }
trap 'run rm -a >/dev/null 2>&1 || true; rm -rf "$place"' EXIT

base=${BASE:-$place/base}
if [ ! -d "$base" ]; then
  echo "image check: making a base from Debian's packages"
  PATH="$PATH:/usr/sbin" debootstrap --variant=minbase \
    --include=python3,python3-venv,python3-pip,python-is-python3,ca-certificates \
    bookworm "$base" "$@" >/dev/null
fi
made=$(run from scratch)
run copy -q "$made" "$base" / >/dev/null
run commit -q --rm "$made" docker.io/library/python:3.11-slim-bookworm >/dev/null
echo "image check: building"
run bud --pull-never --format docker --quiet -v /etc/ssl/certs:/etc/ssl/certs:ro \
  --build-arg "EXTRAS=${EXTRAS:-}" -f deploy/docker/Dockerfile -t strongroom-server . >/dev/null

mkdir "$place/etc"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
  -keyout "$place/etc/tls.key" -out "$place/etc/tls.pem" 2>/dev/null
sed 's/^listen .*/listen = "127.0.0.1:0"/' deploy/docker/strongroom.toml >"$place/etc/strongroom.toml"
chown -R 10001 "$place/etc"
chmod -R go-rwx "$place/etc"

echo "image check: running"
made=$(run from --pull-never localhost/strongroom-server)
run run -v "$place/etc:/etc/strongroom:ro" "$made" -- sh -euc '
  test "$(id -u):$(id -g)" = 10001:10001
  if touch /opt/strongroom/x 2>/dev/null || python -m pip --version >/dev/null 2>&1; then exit 1; fi
  strongroom server --config /etc/strongroom/strongroom.toml 2>/tmp/log &
  server=$!
  for _ in $(seq 120); do grep -q listening /tmp/log && break; sleep 0.5; done
  export STRONGROOM_ADDR=$(sed -n "s/.*\"address\": \"\([^\"]*\)\".*/\1/p" /tmp/log)
  strongroom status --skip-verify --timeout 5 >/dev/null 2>&1 || test $? -eq 2
  strongroom operator init --skip-verify --shares 1 --threshold 1 --json >/tmp/init 2>/dev/null
  python -c "import json; print(json.load(open(\"/tmp/init\"))[\"keys_base64\"][0])" |
    strongroom operator unseal --skip-verify - >/dev/null 2>&1
  strongroom status --skip-verify >/dev/null 2>&1
  kill -TERM $server
  wait $server
  test "$(stat -c %a /var/lib/strongroom/store.db)" = 600
'
echo "image check: built, ran as 10001, answered while sealed and when open, drained"
