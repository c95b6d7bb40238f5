# What is mounted in the container of a space. Sizes are in KiB; the names and sizes are those that AWS shows.
volume={{volume}}
efs={{efs}}
gib={{gib}}

# Says which of volume, efs or root a path is on. The path must exist.
mount_of() {
    local real
    real="$(realpath -e -- "$1" 2>/dev/null)" || return 1
    if [ -n "$efs" ] && [[ "$real/" == "$efs/"* ]]; then
        echo efs
    elif [[ "$real/" == "$volume/"* ]]; then
        echo volume
    else
        echo root
    fi
}

mounts() {
    echo root
    echo volume
    [ -z "$efs" ] || echo efs
}

# Sets source, fstype, size, used, avail and target of a mount.
describe() {
    case "$1" in
    volume)
        source=/dev/nvme1n1 fstype=ext4 target="$volume"
        if [ "$(stat --format=%d -- "$volume")" != "$(stat --format=%d -- "${volume%/*}")" ]; then
            local blocks free bytes
            read -r blocks free bytes < <(stat --file-system --format='%b %f %S' -- "$volume")
            size=$((blocks * bytes / 1024)) used=$(((blocks - free) * bytes / 1024))
        else
            size=$((gib * 1024 * 1024))
            used="$(du --summarize --one-file-system --block-size=1024 -- "$volume" 2>/dev/null | cut -f 1)"
            used="${used:-0}"
        fi
        ;;
    efs)
        source=127.0.0.1:/ fstype=nfs4 target="$efs"
        size=9007199254739968 used=0
        ;;
    *)
        source=/dev/nvme0n1p1 fstype=ext4 target=/opt/.sagemakerinternal
        size=188743680 used=32505856
        ;;
    esac
    avail=$((size > used ? size - used : 0))
}

# Writes KiB as people read it, rounded up as the real commands do: 5.0G, 529M.
human() {
    local whole="$1" rest=0 more=0 unit=0 tenths
    local units=(K M G T P E)
    while [ "$whole" -ge 1024 ] && [ "$unit" -lt 5 ]; do
        [ "$rest" -eq 0 ] || more=1
        rest=$((whole % 1024)) whole=$((whole / 1024)) unit=$((unit + 1))
    done
    if [ "$whole" -lt 10 ] && [ "$unit" -gt 0 ]; then
        tenths=$(((rest * 10 + more + 1023) / 1024))
        if [ "$tenths" -eq 10 ]; then whole=$((whole + 1)) tenths=0; fi
        [ "$whole" -lt 10 ] && echo "$whole.$tenths${units[$unit]}" || echo "$whole${units[$unit]}"
    else
        [ "$((rest + more))" -eq 0 ] || whole=$((whole + 1))
        if [ "$whole" -eq 0 ]; then echo 0; else echo "$whole${units[$unit]}"; fi
    fi
}
