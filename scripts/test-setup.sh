#!/usr/bin/env bash
# Installs the Debian packages that some tests need. Without root, or elsewhere, it does nothing:
# those tests then skip and say what is missing (in CI they fail).
set -euo pipefail

declare -A needs=(
  [gcc]=gcc [git]=git [rsyslogd]=rsyslog [docker-registry]=docker-registry [skopeo]=skopeo [umoci]=umoci
)

missing=()
for program in "${!needs[@]}"; do
  PATH="$PATH:/usr/sbin:/sbin" command -v "$program" >/dev/null 2>&1 || missing+=("${needs[$program]}")
done
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
  echo "test set-up: not root on Debian, so tests that need these packages skip: ${missing[*]}" >&2
  exit 0
fi

export DEBIAN_FRONTEND=noninteractive
# Services that packages would start on their own stay off: tests start their own, on loopback.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
  trap 'rm -f "$policy"' EXIT
fi
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
