#!/bin/bash
# Stands in for findmnt: tells the space's volume, the Classic home and the rest apart.

{{mounts}}
headings=yes columns=TARGET,SOURCE,FSTYPE,OPTIONS target_path= point=

letters() {
    local bundle="$1"
    while [ -n "$bundle" ]; do
        case "${bundle:0:1}" in
        n) headings=no ;;
        o | T)
            # The value is the rest of the bundle, or the next word.
            wanted="${bundle:0:1}" value="${bundle:1}"
            return
            ;;
        f | l | r | u | v | e | a | A) ;;
        *)
            echo "findmnt: invalid option -- '${bundle:0:1}'" >&2
            exit 1
            ;;
        esac
        bundle="${bundle:1}"
    done
}

take() {
    case "$1" in
    o) columns="$2" ;;
    T) target_path="$2" ;;
    esac
}

while [ $# -gt 0 ]; do
    wanted= value=
    case "$1" in
    --noheadings) headings=no ;;
    --output) wanted=o ;;
    --output=*) wanted=o value="${1#*=}" ;;
    --target) wanted=T ;;
    --target=*) wanted=T value="${1#*=}" ;;
    --raw | --list | --first-only | --notruncate | --all) ;;
    --*)
        echo "findmnt: unrecognized option '$1'" >&2
        exit 1
        ;;
    -?*) letters "${1#-}" ;;
    *) point="$1" ;;
    esac
    if [ -n "$wanted" ] && [ -z "$value" ]; then
        shift
        value="$1"
    fi
    [ -z "$wanted" ] || take "$wanted" "$value"
    shift
done

if [ -n "$target_path" ]; then
    names="$(mount_of "$target_path")" || exit 1
elif [ -n "$point" ]; then
    # Without -T only a mount point itself is found.
    names="$(mount_of "$point")" || exit 1
    describe "$names"
    [ "$(realpath -e -- "$point")" = "$target" ] || exit 1
else
    names="$(mounts)"
fi

IFS=, read -r -a list <<< "${columns^^}"
[ "$headings" = no ] || echo "${list[*]}"
for name in $names; do
    describe "$name"
    line=
    for column in "${list[@]}"; do
        case "$column" in
        SOURCE) word="$source" ;;
        FSTYPE) word="$fstype" ;;
        TARGET) word="$target" ;;
        OPTIONS) word=rw,relatime ;;
        SIZE) word="$(human "$size")" ;;
        USED) word="$(human "$used")" ;;
        AVAIL) word="$(human "$avail")" ;;
        *)
            echo "findmnt: unknown column: $column" >&2
            exit 1
            ;;
        esac
        line+="${line:+ }$word"
    done
    echo "$line"
done
