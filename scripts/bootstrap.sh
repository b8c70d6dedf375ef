#!/bin/sh
# Make .venv with what `make demo` (runtime) or `make test` (dev) needs, and the system packages.
# As root on Debian missing packages are installed with apt; otherwise they are named.
set -eu
kind=${1:?usage: bootstrap.sh runtime|dev}
python=${PYTHON:-python3}
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    say "touchstone: needs Python 3.11 or newer as '$python' (Debian: apt-get install python3)."
    exit 2
fi

# ---- system packages: a probe and the Debian package that answers it
missing=
need() { # need PACKAGE PROBE...
    package=$1
    shift
    "$@" >/dev/null 2>&1 || missing="$missing $package"
}
has_file() { for f in "$@"; do [ -e "$f" ] && return 0; done; return 1; }
compiles_with_asan() {
    dir=$(mktemp -d)
    printf 'int main(void){return 0;}\n' >"$dir/t.c"
    gcc -fsanitize=address "$dir/t.c" -o "$dir/t"
    code=$?
    rm -rf "$dir"
    return $code
}
has_seccomp() { "$python" -c 'import ctypes; ctypes.CDLL("libseccomp.so.2")'; }
has_venv() { "$python" -c 'import ensurepip, venv'; }
has_nginx() { command -v nginx || has_file /usr/sbin/nginx; }
has_system_python() { has_file /usr/bin/python3 /usr/local/bin/python3; }

need python3-venv has_venv
need python3 has_system_python
need bubblewrap command -v bwrap
need "gcc libc6-dev" compiles_with_asan
need libseccomp2 has_seccomp
if [ "$kind" = dev ]; then
    need chromium command -v chromium
    need postgresql has_file /usr/lib/postgresql/*/bin/postgres
    need nginx-light has_nginx
fi
missing=$(printf '%s' "$missing" | sed 's/^ *//')

# The tests start their own servers: installing must leave none that listens, now or after a restart.
quietly() { # quietly COMMAND...: with Debian's own way to say "start nothing", while it runs
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        trap 'rm -f "$policy"' EXIT
        trap 'exit 130' INT TERM
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
    fi
    "$@"
}
disable() { # disable SERVICE PACKAGE: if it was installed just now
    case " $missing " in *" $2 "*) update-rc.d "$1" disable >/dev/null 2>&1 || : ;; esac
}

if [ -n "$missing" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    say "touchstone: installing system packages: $missing"
    if DEBIAN_FRONTEND=noninteractive apt-get update -qq >/dev/null &&
        # shellcheck disable=SC2086  # a list of package names
        quietly env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null; then
        disable nginx nginx-light
        disable postgresql postgresql
        missing=
    fi
fi
if [ -n "$missing" ]; then
    say "touchstone: not installed: $missing"
    say "touchstone: to have everything, run:  sudo apt-get install --no-install-recommends $missing"
    if ! has_venv; then
        say "touchstone: without python3-venv no environment can be made; stopping."
        exit 2
    fi
    say "touchstone: going on without; what cannot run is named at the end."
fi

# ---- the Python environment, by hash
stamp=.venv/.$kind
others=
[ "$kind" = dev ] && others=requirements/witness.txt
# shellcheck disable=SC2086  # one name or none
wanted=$(cat requirements/bootstrap.txt "requirements/$kind.txt" $others pyproject.toml | cksum)
if [ -x .venv/bin/touchstone ] && [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
    exit 0
fi
say "touchstone: making .venv ($kind)"
[ -x .venv/bin/python ] || "$python" -m venv .venv
pip() { .venv/bin/python -m pip --quiet --disable-pip-version-check "$@" 2>.venv/pip.log || { cat .venv/pip.log >&2; return 1; }; }
pip install --require-hashes -r requirements/bootstrap.txt
# uv is several times faster; pip is the fallback where only pip is configured for an index.
.venv/bin/uv --quiet pip install --python .venv/bin/python --require-hashes -r "requirements/$kind.txt" 2>.venv/uv.log ||
    pip install --require-hashes -r "requirements/$kind.txt"
pip install --no-deps --no-build-isolation --editable .
if [ "$kind" = dev ]; then
    # Another witness, to test with. It asks for a newer Python than it needs: only pip passes that over.
    rm -rf .venv/other-witness
    pip install --require-hashes --no-deps --ignore-requires-python --target .venv/other-witness \
        -r requirements/witness.txt || {
        say "touchstone: going on without the other witness; what cannot run is named at the end."
        exit 0 # without the stamp: the next time tries again
    }
fi
printf '%s' "$wanted" >"$stamp"
