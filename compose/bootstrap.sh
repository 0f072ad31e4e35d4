#!/bin/sh
# Makes .venv with exactly the packages of requirements.lock, their hashes checked, and the project itself in it.
# Needs no Python package to start with; does nothing, quickly, when nothing has changed. Run by `make setup`.
set -eu
cd "$(dirname "$0")/.."

stamp=.venv/.stridelog-setup
log=.local/logs/setup.log

fail() {
    printf 'setup: %s\n' "$*" >&2
    exit 2
}

usable() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' >/dev/null 2>&1
}

fingerprint() {
    cat requirements.lock pyproject.toml packages/*/pyproject.toml compose/bootstrap.sh compose/bootstrap.lock |
        cksum
}

apt_install() {
    if command -v apt-get >/dev/null && [ "$(id -u)" -eq 0 ]; then
        echo "setup: getting Debian packages: $*"
        { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "$@"; } \
            >>"$log" 2>&1 || fail "apt-get could not install $* (no network?): see $log"
    else
        fail "$missing: run this once, then again what you ran now: sudo apt-get install --yes $*"
    fi
}

find_python() {
    for python in ${PYTHON:-} python3 python3.13 python3.12 python3.11; do
        if usable "$python"; then
            command -v "$python"
            return
        fi
    done
    return 1
}

[ -f requirements.lock ] || fail "requirements.lock is missing: this is not a whole checkout"
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(fingerprint)" ] && usable .venv/bin/python; then
    exit 0
fi
mkdir -p .local/logs

if ! usable .venv/bin/python; then
    missing='Python 3.11, 3.12 or 3.13 is missing'
    find_python >/dev/null || apt_install python3 python3-venv
    python=$(find_python) || fail "$missing, and the system's package python3 is another version"
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    missing="Python $version has no module venv"
    "$python" -c 'import ensurepip, venv' 2>/dev/null || apt_install "python$version-venv"
    echo "setup: making .venv with Python $version"
    "$python" -m venv --clear .venv >>"$log" 2>&1 || fail "python -m venv failed: see $log"
fi

get_uv() {
    [ -x .venv/bin/uv ] && return
    { .venv/bin/python -m pip --version || .venv/bin/python -m ensurepip; } >>"$log" 2>&1 ||
        fail "there is no pip in .venv: remove that folder and try again"
    .venv/bin/python -m pip install --quiet --require-hashes --requirement compose/bootstrap.lock >>"$log" 2>&1 ||
        fail "the package uv could not be fetched (no network?): see $log"
}

echo "setup: installing the locked packages"
quiet=
[ -t 2 ] || quiet=--quiet  # a terminal gets uv's progress
export VIRTUAL_ENV="$PWD/.venv"
get_uv
.venv/bin/uv pip sync $quiet --compile-bytecode --require-hashes requirements.lock ||
    fail "the packages of requirements.lock could not be installed (no network? a full disk?)"
get_uv  # in an environment that uv made, sync removes uv too
set -- --editable .
for package in packages/*/; do
    [ -f "$package/pyproject.toml" ] && set -- "$@" --editable "$package"
done
.venv/bin/uv pip install --quiet --no-deps "$@" || fail "the project itself could not be installed in .venv"
fingerprint >"$stamp"
