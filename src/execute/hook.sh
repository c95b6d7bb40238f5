#!/bin/bash
# studio-migrate: copies the owner's Studio Classic home into this space. It acts in one space only, is harmless in every
# other that the same person starts, and always succeeds: the app must start whatever happens here.

metadata="${STUDIO_MIGRATE_METADATA:-/opt/ml/metadata/resource-metadata.json}"

field() {
    sed -n 's/.*"'"$1"'"[[:space:]]*:[[:space:]]*"\([^"]*\)".*/\1/p' "$metadata" 2>/dev/null | head -n 1
}

if [ "$(field DomainId)" != {{domain}} ] || [ "$(field SpaceName)" != {{space}} ]; then
    echo "studio-migrate: not the space that is to be filled, nothing to do"
    exit 0
fi

state="$HOME/.studio-migrate"
astray=
for one in "$state" "$state"/*; do [ ! -L "$one" ] || astray="$one"; done
if [ -n "$astray" ] || ! mkdir -p "$state"; then
    why="~/.studio-migrate of the space is or holds a link, or is no folder that can be written"
    echo "studio-migrate: $why"
    refused="$(mktemp)" && echo "$why" > "$refused"
    timeout 60 aws s3 cp "$refused" {{refused}} --region {{region}} --quiet
    rm -f "$refused"
    exit 0
fi

(umask 077 && cat > "$state/ticket.json") <<'TICKET'
{{ticket}}
TICKET

cat > "$state/start.sh" <<'START'
state="$HOME/.studio-migrate"
exec 9> "$state/start.lock"
flock --nonblock 9 || { echo "studio-migrate: already at work in this space"; exit 0; }
[ ! -e "$state/done-{{attempt}}" ] || { echo "studio-migrate: the home is here already"; exit 0; }
folder="$(mktemp -d "${TMPDIR:-/tmp}/studio-migrate.XXXXXXXX")" || exit 0
# The ticket holds a key: whoever else works in this space has no use for it.
trap 'rm -rf "$folder" "$state/ticket.json"' EXIT
fail() {
    echo "studio-migrate: $1"
    echo "$1" > "$folder/refused.txt"
    aws s3 cp "$folder/refused.txt" {{refused}} --region {{region}} --quiet
    exit 0
}
aws s3 cp {{mover}} "$folder/studio-migrate" --region {{region}} --quiet || fail "the mover could not be fetched"
echo {{sha256}}"  $folder/studio-migrate" | sha256sum --check --status || fail "the mover that was fetched is not the one that was sent"
chmod 700 "$folder/studio-migrate"
if "$folder/studio-migrate" mover deliver --ticket "$state/ticket.json" 9>&-; then
    {{afterwards}}
else
    echo "studio-migrate: the mover ended with $?"
fi
START

nohup setsid bash "$state/start.sh" >> "$state/log.txt" 2>&1 < /dev/null &
echo "studio-migrate: copying in the background, see $state/log.txt"
exit 0
