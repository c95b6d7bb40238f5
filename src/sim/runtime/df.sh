#!/bin/bash
# Stands in for df: tells the space's volume, the Classic home and the rest apart.

{{mounts}}
form=blocks unit=1024 posix=no columns= with_type=no
paths=()

set_unit() {
    case "$1" in
    1 | B) unit=1 ;;
    K | 1K | 1024 | k) unit=1024 ;;
    M | 1M) unit=1048576 ;;
    G | 1G) unit=1073741824 ;;
    *)
        echo "df: invalid --block-size argument '$1'" >&2
        exit 1
        ;;
    esac
    form=blocks
}

# Takes letters bundled behind one dash.
letters() {
    local bundle="$1"
    while [ -n "$bundle" ]; do
        case "$bundle" in
        h* | H*) form=human ;;
        k*) set_unit 1024 ;;
        m*) set_unit 1M ;;
        P*) posix=yes ;;
        T*) with_type=yes ;;
        B*)
            set_unit "${bundle#B}"
            return
            ;;
        a* | l*) ;;
        *)
            echo "df: invalid option -- '${bundle:0:1}'" >&2
            exit 1
            ;;
        esac
        bundle="${bundle:1}"
    done
}

while [ $# -gt 0 ]; do
    case "$1" in
    --output=*) columns="${1#--output=}" ;;
    --output) columns=source,fstype,itotal,iused,iavail,ipcent,size,used,avail,pcent,file,target ;;
    --block-size=*) set_unit "${1#--block-size=}" ;;
    --human-readable | --si) form=human ;;
    --portability) posix=yes ;;
    --print-type) with_type=yes ;;
    --all | --local | --sync | --no-sync) ;;
    --)
        shift
        paths+=("$@")
        break
        ;;
    --*)
        echo "df: unrecognized option '$1'" >&2
        exit 1
        ;;
    -B)
        set_unit "$2"
        shift
        ;;
    -?*) letters "${1#-}" ;;
    *) paths+=("$1") ;;
    esac
    shift
done

number() {
    if [ "$form" = human ]; then
        human "$1"
    elif [ "$unit" -eq 1 ]; then
        echo $(($1 * 1024))
    else
        echo $((($1 + unit / 1024 - 1) / (unit / 1024)))
    fi
}

title() {
    case "$1" in
    source) echo Filesystem ;;
    fstype) echo Type ;;
    size)
        if [ "$form" = human ]; then
            echo Size
        elif [ "$posix" = yes ]; then
            echo "$unit-blocks"
        else
            case "$unit" in 1) echo 1B-blocks ;; 1024) echo 1K-blocks ;; 1048576) echo 1M-blocks ;; *) echo 1G-blocks ;; esac
        fi
        ;;
    used) echo Used ;;
    avail) [ "$form" = human ] && echo Avail || echo Available ;;
    pcent) [ "$posix" = yes ] && echo Capacity || echo Use% ;;
    file) echo File ;;
    target) echo "Mounted on" ;;
    itotal) echo Inodes ;;
    iused) echo IUsed ;;
    iavail) echo IFree ;;
    ipcent) echo IUse% ;;
    *)
        echo "df: option --output: field '$1' unknown" >&2
        exit 1
        ;;
    esac
}

field() {
    case "$1" in
    source) echo "$source" ;;
    fstype) echo "$fstype" ;;
    size) number "$size" ;;
    used) number "$used" ;;
    avail) number "$avail" ;;
    pcent) echo "$(((used * 100 + used + avail - 1) / (used + avail > 0 ? used + avail : 1)))%" ;;
    file) echo "${file:--}" ;;
    target) echo "$target" ;;
    iused) echo 11 ;;
    itotal | iavail) echo 327680 ;;
    ipcent) echo 1% ;;
    esac
}

if [ -z "$columns" ]; then
    columns=source,size,used,avail,pcent,target
    [ "$with_type" = no ] || columns=source,fstype,size,used,avail,pcent,target
fi
IFS=, read -r -a list <<< "$columns"

row() {
    local line= column word
    for column in "${list[@]}"; do
        word="$("$1" "$column")" || exit 1
        case "$column" in
        source) printf -v word %-14s "$word" ;;
        size | used | avail) printf -v word %9s "$word" ;;
        pcent | ipcent) printf -v word %4s "$word" ;;
        esac
        line+="${line:+ }$word"
    done
    echo "$line"
}

status=0
rows=()
if [ ${#paths[@]} -eq 0 ]; then
    while read -r name; do
        describe "$name"
        rows+=("$(row field)")
    done < <(mounts)
else
    for file in "${paths[@]}"; do
        if ! name="$(mount_of "$file")"; then
            echo "df: $file: No such file or directory" >&2
            status=1
            continue
        fi
        describe "$name"
        rows+=("$(row field)")
    done
fi
if [ ${#rows[@]} -gt 0 ]; then
    row title || exit 1
    printf '%s\n' "${rows[@]}"
fi
exit $status
