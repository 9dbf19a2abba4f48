#!/usr/bin/env bash
# Proves install/setup.sh and the FEM tests on a bare Debian 13 made by debootstrap. Needs root, debootstrap, 6 GB of disk.
#
#   install/prove-debian13.sh [FOLDER [COMMAND...]]      FOLDER: default /var/tmp/cmo-reram-SUITE, kept for the next run
#
# COMMAND runs in the project inside (default: install/setup.sh, the imports and versions, then pytest -m fem).
# RERAM_SUITE=trixie      the release (bookworm: Debian 12)
# RERAM_MIRROR=URL        where its packages come from
# RERAM_BARE=1            do not install python3-dolfinx beforehand: setup.sh must find what a stranger's machine lacks
# RERAM_REF=HEAD          copy this commit instead of the working tree
# RERAM_CA_BUNDLE=FILE    certificates that pip inside trusts (default: the host's, if it has any)
# The host's apt download settings (Acquire::http, https, Check-*, Retries), proxies, pip configuration and PIP_* variables are
# used inside too. Mounts live in a mount namespace of their own and end with this script.
set -euo pipefail

SUITE=${RERAM_SUITE:-trixie}
MIRROR=${RERAM_MIRROR:-}   # empty: the one debootstrap itself prefers
BUNDLE=${RERAM_CA_BUNDLE:-/etc/ssl/certs/ca-certificates.crt}
SOURCE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
DIR=${1:-/var/tmp/cmo-reram-$SUITE}
case $DIR in
    -h | --help) sed -n '2,/^set /p' "${BASH_SOURCE[0]}" | grep '^#' | cut -c3-; exit 0 ;;
    /*/*) ;;
    *) echo "prove: the folder must be an absolute path below the top: $DIR" >&2; exit 2 ;;
esac

[ "$(id -u)" = 0 ] || { echo "prove: needs root (chroot and mounts)." >&2; exit 2; }
command -v debootstrap >/dev/null || { echo "prove: needs debootstrap: apt-get install debootstrap" >&2; exit 2; }
if [ -z "${RERAM_PROVE_INSIDE:-}" ]; then
    RERAM_PROVE_INSIDE=1 exec unshare --mount --propagation private "${BASH_SOURCE[0]}" "$@"
fi
shift || true

say() { printf 'prove: %s\n' "$*"; }

# shellcheck disable=SC2317  # called by the trap
unmount() {
    local place
    for place in dev/shm dev/pts dev sys proc; do
        if mountpoint -q "$DIR/$place"; then umount "$DIR/$place" || umount -l "$DIR/$place"; fi
    done
}
trap unmount EXIT

mount_all() {
    mount -t proc proc "$DIR/proc"
    mount -t sysfs -o ro sysfs "$DIR/sys"
    mount --bind /dev "$DIR/dev"
    mount --bind /dev/pts "$DIR/dev/pts"
    if [ -d "$DIR/dev/shm" ]; then mount -t tmpfs tmpfs "$DIR/dev/shm"; fi
}

# The host's download settings, without its other apt hooks (they may call programs that a bare system lacks).
copy_network_settings() {
    local file
    cp -L /etc/resolv.conf "$DIR/etc/resolv.conf"
    apt-config dump 2>/dev/null | grep -E '^Acquire::(http|https|Check-|Retries|ForceIPv)' >"$DIR/etc/apt/apt.conf.d/99host" || true
    if [ -f "$BUNDLE" ]; then mkdir -p "$DIR/etc/ssl/certs" && cp -L "$BUNDLE" "$DIR/etc/ssl/certs/ca-certificates.crt"; fi
    for file in /etc/pip.conf /etc/xdg/pip/*; do
        if [ -f "$file" ]; then mkdir -p "$DIR${file%/*}" && cp -L "$file" "$DIR$file"; fi
    done
    for file in "${XDG_CONFIG_HOME:-$HOME/.config}/pip/pip.conf" "$HOME/.pip/pip.conf"; do
        if [ -f "$file" ]; then mkdir -p "$DIR/root/.config/pip" && cp -L "$file" "$DIR/root/.config/pip/pip.conf"; fi
    done
    printf '#!/bin/sh\nexit 101\n' >"$DIR/usr/sbin/policy-rc.d"   # start no services inside
    chmod +x "$DIR/usr/sbin/policy-rc.d"
}

# inside COMMAND...: with a clean environment, but for what downloads need.
inside() {
    local names
    mapfile -t names < <(compgen -e | grep -iE '^(PIP_.*|https?_proxy|no_proxy|SSL_CERT_FILE|REQUESTS_CA_BUNDLE)$')
    local keep=() name
    for name in "${names[@]}"; do keep+=("$name=${!name}"); done
    chroot "$DIR" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
        "${keep[@]}" "$@" </dev/null
}

copy_project() {
    local to=$DIR/root/cmo-reram
    mkdir -p "$to"
    find "$to" -mindepth 1 -maxdepth 1 ! -name '.venv*' -exec rm -rf {} +   # what setup made stays, so a second run is quick
    if [ -n "${RERAM_REF:-}" ]; then
        git -C "$SOURCE" archive "$RERAM_REF" | tar -x -C "$to"
    else
        (cd "$SOURCE" && git ls-files -z --cached --others --exclude-standard) |
            tar -C "$SOURCE" --null --ignore-failed-read -T - -c 2>/dev/null | tar -x -C "$to"
    fi
}

if [ ! -e "$DIR/etc/debian_version" ]; then
    say "making a bare $SUITE in $DIR (about a minute)"
    mkdir -p "$DIR"
    debootstrap --variant=minbase --include=ca-certificates,git,make "$SUITE" "$DIR" ${MIRROR:+"$MIRROR"} >"$DIR.log" 2>&1 ||
        { tail -n 15 "$DIR.log" >&2; say "debootstrap failed: see $DIR.log"; exit 1; }
fi
mount_all
copy_network_settings
if [ -z "${RERAM_BARE:-}" ] && [ ! -e "$DIR/usr/share/doc/python3-dolfinx" ]; then
    say "installing python3-dolfinx (2 minutes)"
    { inside apt-get update && inside apt-get install -y --no-install-recommends python3-dolfinx python3-venv; } >"$DIR.log" 2>&1 ||
        { tail -n 15 "$DIR.log" >&2; say "apt-get failed: see $DIR.log"; exit 1; }
    copy_network_settings   # the ca-certificates package writes the bundle anew
fi
copy_project

if [ $# = 0 ]; then
    # shellcheck disable=SC2016  # for the shell inside
    set -- bash -ec '
        install/setup.sh
        .venv/bin/python -m ground.doctor || true
        .venv/bin/python -m pytest -m fem'
fi
say "$(inside cat /etc/debian_version | head -n 1) ($SUITE): $*"
status=0
inside bash -c 'cd /root/cmo-reram && exec "$@"' prove "$@" || status=$?
if [ $status = 0 ]; then say "$SUITE: passed"; else say "$SUITE: FAILED with exit code $status"; fi
exit $status
