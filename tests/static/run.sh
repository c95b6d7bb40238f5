#!/usr/bin/env bash
# Builds the executable for spaces, without any shared library, and runs it where there is nothing else: `run.sh [--release]`.
#
# It goes into an empty root together with a tree, a host table and the certificates that the SDK asks for. There it says its
# version, copies and verifies, and finds a simulated account by name: in the host table, and by asking a name server.
set -euo pipefail
cd "$(dirname "$0")/../.."

triple=x86_64-unknown-linux-gnu
profile=debug
[ "${1:-}" != --release ] || profile=release
target="${CARGO_TARGET_DIR:-target}"
# For this command and this target only: build scripts and the plain build stay as they are, and keep their cache.
CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS="-C target-feature=+crt-static" \
    cargo build --locked --target "$triple" "$@"
built="$target/$triple/$profile/studio-migrate"

fail() {
    echo "tests/static: $1" >&2
    exit 1
}

ldd "$built" 2>&1 | grep -Eq 'statically linked|not a dynamic executable' || fail "$(ldd "$built")"

root="$(mktemp -d "$target/static.XXXXXXXX")"
started=()
trap 'for pid in "${started[@]}"; do kill "$pid" 2> /dev/null || true; done; rm -rf "$root"' EXIT
chmod 755 "$root"
mkdir -p "$root/etc/ssl/certs" "$root/home/folder"
ln "$built" "$root/studio-migrate" 2> /dev/null || cp "$built" "$root/studio-migrate"
certificates="${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}"
[ -s "$certificates" ] || fail "no certificates in $certificates: install ca-certificates, or set SSL_CERT_FILE"
cp "$certificates" "$root/etc/ssl/certs/ca-certificates.crt"
echo "127.0.0.1 by-table.test" > "$root/etc/hosts"
echo "nameserver 127.53.53.53" > "$root/etc/resolv.conf"
head -c 3000000 /dev/urandom > "$root/home/folder/large"
ln "$root/home/folder/large" "$root/home/same"
ln -s folder "$root/home/link"
printf 'text\n' > "$root/home/folder/ünicode"

is_root=false
[ "$(id -u)" != 0 ] || is_root=true
change="$(PATH="$PATH:/usr/sbin:/sbin" command -v chroot)"
# Where the paths inside are: nowhere else, unless no root may be changed.
base=
if "$is_root"; then
    bare=("$change" "$root" /studio-migrate)
elif unshare --map-root-user "$change" "$root" /studio-migrate version > /dev/null 2>&1; then
    bare=("$(command -v unshare)" --map-root-user "$change" "$root" /studio-migrate)
else
    echo "tests/static: no root may be changed here; it runs with an empty environment only"
    base="$root"
    bare=("$root/studio-migrate")
fi
# Runs it there, with `NAME=VALUE` words first and nothing else in its environment.
inside() {
    local given=()
    while [[ "$1" == *=* ]]; do
        given+=("$1")
        shift
    done
    env -i HOME=/ AWS_EC2_METADATA_DISABLED=true "${given[@]}" "${bare[@]}" "$@"
}

inside version
inside mover copy "$base/home" "$base/destination" --manifest "$base/manifest" > "$root/copied.json"
grep -q '"proven":true' "$root/copied.json" || fail "the copy was not proven: $(cat "$root/copied.json")"
inside mover verify "$base/destination" --manifest "$base/manifest"
diff -r --no-dereference "$root/home" "$root/destination" || fail "the copy differs"
[ "$root/destination/same" -ef "$root/destination/folder/large" ] || fail "a hard link did not stay one"

# A simulated account outside, and a name server that knows it.
printf 'name: static\ndomains: []\n' > "$root/world.yaml"
"$built" sim serve --dir "$root/world" --world "$root/world.yaml" > "$root/said.json" &
started+=("$!")
if "$is_root"; then
    python3 tests/static/name_server.py 127.53.53.53 &
    started+=("$!")
fi
for _ in $(seq 100); do
    [ ! -s "$root/said.json" ] || break
    sleep 0.1
done
said() { sed -n 's/.*"'"$1"'": *"\([^"]*\)".*/\1/p' "$root/said.json"; }
port="$(said endpoint | sed 's/.*://')"
[ -n "$port" ] || fail "the simulated account did not start"
account=("AWS_REGION=$(said region)" "AWS_ACCESS_KEY_ID=$(said access_key_id)" "AWS_SECRET_ACCESS_KEY=$(said secret_access_key)")
# Takes an inventory of the account that has this name.
find_by() {
    inside "${account[@]}" -q inventory --endpoint-url "http://$1:$port" --state "$base/$1.db" > /dev/null
    echo "found the account: $1"
}
# Without a root of its own it has the host table of this machine, which has this name alone.
if [ -n "$base" ]; then find_by localhost; else find_by by-table.test; fi
# Only root may be the name server.
if "$is_root"; then find_by by-server.test; fi
echo "tests/static: $(stat -c %s "$built") bytes, no shared library needed"
