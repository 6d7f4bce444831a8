# Sourced by the commands beside it: the virtual environment in .venv, made when it is absent and
# renewed when a lock file, the interpreter or the place of the checkout has changed.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
venv=$root/.venv

# A Python that we support, by the name it goes by here.
find_python() {
    local name
    for name in ${PYTHON:+"$PYTHON"} python3 python3.11 python3.12 python3.13 python3.14 python; do
        # It must run: what a version manager puts in PATH may stand for nothing.
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    echo "Python 3.11 or later is needed, and none was found; name one with PYTHON=..." >&2
    return 1
}

fingerprint() { # of the file in $1, on any system with Python
    "$venv/bin/python" -c 'import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest())' "$1"
}

# Install what requirements/$1.lock names, once.  Every other lock holds all that serving needs.
make_environment() {
    local lock=$1 file=$root/requirements/$1.lock python birth
    if command -v flock > /dev/null; then
        exec 9< "$root/requirements/serve.lock" # two commands at once would install into each other
        flock 9
    fi

    # An environment that was moved, or whose Python is gone, is made anew.
    birth=$("$venv/bin/python" -c 'import sys; print(sys.argv[1], sys.version)' "$venv" 2>/dev/null || true)
    if [ -z "$birth" ] || [ "$birth" != "$(cat "$venv/.birth" 2>/dev/null)" ]; then
        python=$(find_python)
        echo "making .venv with $("$python" --version)"
        rm -rf "$venv"
        if "$python" -c 'import ensurepip' 2>/dev/null; then
            "$python" -m venv "$venv"
        else
            "$python" -m venv --without-pip "$venv" # as Debian leaves it; the pip outside installs into it
            printf '%s\n' "$python" > "$venv/.outer-python"
        fi
    fi

    if [ "$(fingerprint "$file")" != "$(cat "$venv/.installed-$lock" 2>/dev/null)" ]; then
        echo "installing requirements/$lock.lock"
        rm -f "$venv"/.installed-*
        if [ -e "$venv/.outer-python" ]; then
            "$(cat "$venv/.outer-python")" -m pip --python "$venv/bin/python" "${pip_options[@]}" -r "$file"
        else
            "$venv/bin/python" -m pip "${pip_options[@]}" -r "$file"
        fi
        link_checkout
        "$venv/bin/python" -c 'import sys; print(sys.argv[1], sys.version)' "$venv" > "$venv/.birth"
        if [ "$lock" != serve ]; then
            fingerprint "$root/requirements/serve.lock" > "$venv/.installed-serve"
        fi
        fingerprint "$file" > "$venv/.installed-$lock" # last: a run that was cut off is taken up again
    fi
    if command -v flock > /dev/null; then
        exec 9<&-
    fi
}
pip_options=(install -qq --no-input --disable-pip-version-check --no-warn-script-location --require-hashes)

# Make the checkout importable and the command `authority` callable.  No build: that would need tools
# which no lock here pins, and a network.
link_checkout() {
    "$venv/bin/python" - "$root" "$venv" <<'PYTHON'
import pathlib, sys, sysconfig

root, venv = sys.argv[1:]
pathlib.Path(sysconfig.get_path("purelib"), "authority.pth").write_text(root + "\n", encoding="utf-8")
command = pathlib.Path(venv, "bin", "authority")
command.write_text(
    f"#!{venv}/bin/python\n"
    '"""Call the authority of this checkout."""\n'
    "import sys\n\n"
    "from authority.cli import main\n\n"
    'if __name__ == "__main__":\n'
    "    sys.exit(main())\n",
    encoding="utf-8",
)
command.chmod(0o755)
PYTHON
}
