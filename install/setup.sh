#!/usr/bin/env bash
# Makes .venv with everything that `make demo` and `make test` need. Safe to run again: a second run takes a second.
#
#   install/setup.sh              the environment: FEM where dolfinx can be had, a light one without FEM elsewhere
#   install/setup.sh --training   torch and scikit-learn on top
#
# RERAM_PYTHON=/path/to/python   build on this Python (with dolfinx: FEM; without: light); nothing is installed by apt
# RERAM_NO_APT=1                 never call apt-get
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
VENV=$ROOT/.venv
LOG=$ROOT/.venv-setup.log
SYSTEM_PYTHON=${RERAM_SYSTEM_PYTHON:-/usr/bin/python3}   # the one that Debian's python3-dolfinx belongs to
CONDA_LINE="conda env create -f environment.yml && conda activate cmo-reram"

FEM_PACKAGES=(python3-dolfinx python3-venv)
# What the gmsh wheel is linked to, and (libegl1) what VTK loads to draw with no screen. Found on a bare machine with ldd.
LIBRARY_PACKAGES=(libglu1-mesa libgl1 libegl1 libx11-6 libxext6 libxft2 libxcursor1 libxfixes3 libxinerama1 libxrender1
                  libfontconfig1 libgomp1 zlib1g)
EXTRAS=fem,plot,dev
if [ "$(uname -s)-$(uname -m)" != Linux-x86_64 ] && [ "$(uname -s)" = Linux ]; then
    FEM_PACKAGES+=(python3-gmsh)   # there is no gmsh wheel for other Linux processors
    EXTRAS=plot,dev
fi

say() { printf '%s\n' "$*"; }

fail() {
    printf 'setup: %s\n' "$@" >&2
    exit 1
}

# logged WHAT COMMAND...: run with output in the log; on failure show its last lines and return 1.
logged() {
    local what=$1
    shift
    printf '\n### %s: %s\n' "$what" "$*" >>"$LOG"
    if ! "$@" >>"$LOG" 2>&1 </dev/null; then
        say "setup: $what failed. The last lines of $LOG:" >&2
        tail -n 15 "$LOG" | sed 's/^/    /' >&2
        return 1
    fi
}

# facts PYTHON: "minor-version dolfinx-version numpy-major venv|no-venv", or nothing where it is no usable Python >= 3.11.
facts() {
    "$1" -I - 2>/dev/null <<'PY' || true
import sys
if sys.version_info >= (3, 11):
    from importlib import metadata, util
    def version(name):
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            return "none"
    dolfinx = version("fenics-dolfinx") if util.find_spec("dolfinx") else "none"
    venv = "venv" if util.find_spec("ensurepip") else "no-venv"
    print("3.%d" % sys.version_info[1], dolfinx, version("numpy").split(".")[0], venv)
PY
}

has_dolfinx() { # FACTS
    [ -n "$1" ] && [ "$(say "$1" | cut -d' ' -f2)" != none ]
}

# As root, or through sudo where it asks for no password.
elevate() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

can_apt() {
    [ -z "${RERAM_NO_APT:-}" ] && command -v apt-get >/dev/null 2>&1 || return 1
    [ "$(id -u)" = 0 ] || { command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; }
}

missing_packages() { # PACKAGE...: those that dpkg does not have
    local name
    for name in "$@"; do
        dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'ok installed' || printf '%s ' "$name"
    done
}

apt_install() { # WHAT PACKAGE...
    local what=$1
    shift
    logged "$what" elevate env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
}

APT_REASON=""
APT_PYTHON=yes   # whether this release's own Python is new enough
# Install Debian's dolfinx; on failure APT_REASON says why not.
apt_dolfinx() {
    local candidate
    say "setup: apt-get update (a few seconds)"
    logged "apt-get update" elevate apt-get update || true   # old lists may still do
    candidate=$(apt-cache policy python3 2>/dev/null | sed -n 's/.*Candidate: *3\.\([0-9]*\).*/\1/p' | head -n 1)
    if [ -n "$candidate" ] && [ "$candidate" -lt 11 ]; then
        APT_PYTHON=no
        APT_REASON="this release's Python is 3.$candidate and its dolfinx belongs to it; 3.11 or newer is needed (Debian 12, Ubuntu 24.04)"
        return 1
    fi
    if [ -z "$(apt-cache policy python3-dolfinx 2>/dev/null | sed -n 's/.*Candidate: *\([0-9].*\)/\1/p')" ]; then
        APT_REASON="apt knows no package python3-dolfinx (on Ubuntu: sudo add-apt-repository universe)"
        return 1
    fi
    say "setup: installing dolfinx and the libraries of gmsh and VTK by apt-get (1 to 3 minutes, about 1 GB on disk)"
    if ! apt_install "apt-get install" "${FEM_PACKAGES[@]}" "${LIBRARY_PACKAGES[@]}"; then
        APT_REASON="apt-get could not install it: see $LOG"
        return 1
    fi
}

# Where dolfinx is not to be had, a light environment still needs a Python with venv.
apt_python() {
    [ -z "$PYTHON" ] && [ "$APT_PYTHON" = yes ] && apt_install "apt-get install" python3 python3-venv
}

# Sets PYTHON, FACTS and FEM (yes or no), in this order: RERAM_PYTHON, an active conda environment, the system's Python.
choose_python() {
    FEM=yes
    if [ -n "${RERAM_PYTHON:-}" ]; then
        PYTHON=$(command -v "$RERAM_PYTHON" || true)
        [ -n "$PYTHON" ] || fail "RERAM_PYTHON=$RERAM_PYTHON: there is no such program."
        FACTS=$(facts "$PYTHON")
        [ -n "$FACTS" ] || fail "RERAM_PYTHON=$RERAM_PYTHON is not a working Python 3.11 or newer."
        has_dolfinx "$FACTS" || { FEM=no; APT_REASON="RERAM_PYTHON=$RERAM_PYTHON has no dolfinx"; }
        return
    fi
    if [ -x "${CONDA_PREFIX:-/nonexistent}/bin/python" ]; then
        PYTHON=$CONDA_PREFIX/bin/python
        FACTS=$(facts "$PYTHON")
        has_dolfinx "$FACTS" && return
    fi
    PYTHON=$SYSTEM_PYTHON
    FACTS=$(facts "$PYTHON")
    has_dolfinx "$FACTS" && return
    FEM=no
    choose_light_python
}

choose_light_python() {
    local name path seen
    for name in "$SYSTEM_PYTHON" python3 python3.13 python3.12 python3.14 python3.11; do
        path=$(command -v "$name" || true)
        [ -n "$path" ] || continue
        seen=$(facts "$path")
        case $seen in *" venv") PYTHON=$path FACTS=$seen; return ;; esac
    done
    PYTHON="" FACTS=""
}

# One line that changes when anything that .venv is made from changes.
fingerprint() {
    say "$ROOT $PYTHON $FACTS $EXTRAS"
    cksum "$ROOT/pyproject.toml" "$ROOT"/install/constraints-*.txt "$ROOT/install/setup.sh"
}

is_ready() { # STAMP
    [ -x "$VENV/bin/python" ] && [ -f "$1" ] && [ "$(cat "$1")" = "$(fingerprint)" ] && "$VENV/bin/python" -c pass 2>/dev/null
}

tell_light() {
    say "setup: no FEM here: ${APT_REASON:-no Python with dolfinx was found}."
    say "    For FEM:    $CONDA_LINE"
    say "                or, on Debian 12 or newer: sudo apt-get install --no-install-recommends ${FEM_PACKAGES[*]}; then make setup"
    say "    Without it: fits, arrays and training work from the shipped response table; FEM tests are skipped."
}

tell_no_python() {
    fail "no Python 3.11 or newer with the venv module was found${APT_REASON:+ ($APT_REASON)}." \
        "With conda: $CONDA_LINE; then make setup" \
        "With apt:   sudo apt-get install python3 python3-venv   (Debian 12, Ubuntu 24.04 or newer)" \
        "Or name one: RERAM_PYTHON=/path/to/python3 make setup"
}

make_venv() {
    local base="$ROOT $PYTHON $FACTS"
    if [ -x "$VENV/bin/python" ] && [ "$(cat "$VENV/.reram-base" 2>/dev/null)" = "$base" ] && "$VENV/bin/python" -c pass 2>/dev/null; then
        return
    fi
    if [ -e "$VENV" ] && [ ! -f "$VENV/pyvenv.cfg" ]; then
        fail "$VENV is not a virtual environment: move it away first."
    fi
    rm -rf "$VENV"
    logged "python -m venv" "$PYTHON" -m venv --system-site-packages "$VENV" ||
        fail "no virtual environment could be made with $PYTHON (Debian: sudo apt-get install python3-venv)."
    say "$base" >"$VENV/.reram-base"
}

pip_install() { # EXTRAS
    logged "pip install" "$VENV/bin/python" -m pip install -c "$ROOT/install/constraints-$CONSTRAINTS.txt" -e "${ROOT}[$1]" ||
        fail "pip could not install the project's libraries. Offline, or an index that lacks them? pip's own settings are used."
}

# Real imports, since a missing shared library shows itself only there. Never fails: says what is wrong instead.
verify() {
    local dolfinx gmsh
    if ! dolfinx=$("$VENV/bin/python" -c 'import petsc4py, dolfinx; print(dolfinx.__version__)' 2>&1); then
        say "setup: WARNING: dolfinx cannot be imported: $(say "$dolfinx" | tail -n 1)"
    elif ! gmsh=$("$VENV/bin/python" -c 'import gmsh; print(gmsh.__version__)' 2>&1); then
        say "setup: WARNING: gmsh cannot be imported: $(say "$gmsh" | tail -n 1)"
        say "    Debian, Ubuntu: sudo apt-get install --no-install-recommends ${LIBRARY_PACKAGES[*]}"
    else
        say "setup: ready: dolfinx $(say "$dolfinx" | tail -n 1), gmsh $(say "$gmsh" | tail -n 1), Python ${FACTS%% *}. 'make doctor' tells more."
    fi
}

main() {
    local stamp=$VENV/.reram-setup extras=$EXTRAS lacking
    case ${1:-} in
        "") ;;
        --training) stamp=$VENV/.reram-training extras=training ;;
        *) sed -n '2,/^set /p' "${BASH_SOURCE[0]}" | grep '^#' | cut -c3-; [ "$1" = --help ] && exit 0; exit 2 ;;
    esac
    cd "$ROOT"
    choose_python
    is_ready "$stamp" && exit 0

    : >"$LOG"
    if [ "$FEM" = no ] && [ -z "${RERAM_PYTHON:-}" ]; then
        if can_apt; then
            if apt_dolfinx || apt_python; then choose_python; fi
        else
            APT_REASON="there is no dolfinx, and installing it needs apt-get with root or sudo without a password"
        fi
    elif [ "$FEM" = yes ] && [ "$PYTHON" = "$SYSTEM_PYTHON" ] && can_apt; then
        lacking=$(missing_packages "${FEM_PACKAGES[@]}" "${LIBRARY_PACKAGES[@]}")
        if [ -n "$lacking" ]; then
            say "setup: installing by apt-get (under a minute): $lacking"
            logged "apt-get update" elevate apt-get update || true
            # shellcheck disable=SC2086  # a list of package names
            apt_install "apt-get install" $lacking || say "setup: going on without them"
            choose_python
        fi
    fi
    [ -n "$PYTHON" ] || tell_no_python
    case $FACTS in *" no-venv") fail "$PYTHON has no venv module. Debian, Ubuntu: sudo apt-get install python3-venv" ;; esac

    CONSTRAINTS=numpy2
    if [ "$FEM" = yes ] && [ "$PYTHON" = "${CONDA_PREFIX:-}/bin/python" ]; then
        CONSTRAINTS=conda
        # A second gmsh from a wheel would look for shared libraries that conda keeps elsewhere.
        if "$PYTHON" -I -c 'import gmsh' 2>/dev/null; then extras=${extras#fem,}; fi
    elif [ "$FEM" = yes ]; then
        CONSTRAINTS=numpy$(say "$FACTS" | cut -d' ' -f3)   # the one dolfinx was built against
    else
        tell_light
        extras=${extras#fem,}
    fi
    make_venv
    rm -f "$stamp"
    if [ "$extras" = training ]; then
        say "setup: pip install of torch and scikit-learn (1 to 10 minutes: the default torch build carries CUDA libraries of several GB;"
        say "    a CPU-only build is taken where your pip settings point to one: see pytorch.org)"
    else
        say "setup: pip install into .venv with Python ${FACTS%% *} (about a minute)"
    fi
    pip_install "$extras"
    fingerprint >"$stamp"
    if [ "$FEM" = yes ]; then verify; else say "setup: ready, without FEM, Python ${FACTS%% *}. 'make doctor' tells more."; fi
}

main "$@"
