#!/usr/bin/env python3
"""Compares every Classic home of a demo with the volume that it was copied to, without any code of the tool.

usage: compare_trees.py DEMO_DIR

Kind, bytes, mode, mtime and link target must be the same. What is missing at the destination must be listed in the manifest
with a reason (manifests/<domain>/<profile>.jsonl.zst, JSON lines; `zstd` or Python's zstandard reads it), and what is listed
must be missing. Prints what is amiss and exits 1 if anything is."""
import hashlib, json, os, stat, sys

import zstandard

OURS = {b".studio-migrate", b"user-default-efs"}


def unescape(text):
    """A path as bytes: printable UTF-8 stands for itself, other bytes are written \\xNN."""
    out, rest = b"", text
    while rest:
        if rest.startswith("\\x"):
            out, rest = out + bytes([int(rest[2:4], 16)]), rest[4:]
        else:
            out, rest = out + rest[0].encode(), rest[1:]
    return out


def tree(root):
    """Every path below root with its lstat."""
    found = {}
    stack = [b""]
    while stack:
        folder = stack.pop()
        try:
            names = os.listdir(os.path.join(root, folder))
        except PermissionError:
            continue
        for name in names:
            path = os.path.join(folder, name)
            if path in OURS:
                continue
            found[path] = os.lstat(os.path.join(root, path))
            if stat.S_ISDIR(found[path].st_mode):
                stack.append(path)
    return found


def content(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.digest()


def manifest(path):
    """-> {path: (class, why)} of what was not copied."""
    skipped = {}
    with open(path, "rb") as file:
        text = zstandard.ZstdDecompressor().stream_reader(file).read().decode()
    for line in text.splitlines()[1:]:
        entry = json.loads(line)
        # The last line is the totals: it has no path.
        if "path" in entry and entry.get("not_copied"):
            skipped[unescape(entry["path"])] = entry["not_copied"]
    return skipped


def same(source, destination, path, here, there):
    """-> what differs about one entry."""
    if stat.S_IFMT(here.st_mode) != stat.S_IFMT(there.st_mode):
        return "another kind"
    left, right = os.path.join(source, path), os.path.join(destination, path)
    if stat.S_ISLNK(here.st_mode):
        if os.readlink(left) != os.readlink(right):
            return "another link target"
    else:
        special = stat.S_ISUID | stat.S_ISGID | stat.S_ISVTX
        drop = 0 if stat.S_ISDIR(here.st_mode) else special
        if stat.S_IMODE(here.st_mode) & ~drop != stat.S_IMODE(there.st_mode):
            return f"mode {stat.S_IMODE(here.st_mode):o} became {stat.S_IMODE(there.st_mode):o}"
    if here.st_mtime_ns != there.st_mtime_ns:
        return f"mtime {here.st_mtime_ns} became {there.st_mtime_ns}"
    if stat.S_ISREG(here.st_mode) and (here.st_size != there.st_size or content(left) != content(right)):
        return "other bytes"
    return None


def compare(source, destination, skipped):
    here, there = tree(source), tree(destination)
    def is_skipped(path):
        parts = path.split(b"/")
        return any(b"/".join(parts[: n + 1]) in skipped for n in range(len(parts)))
    for path, status in sorted(here.items()):
        if is_skipped(path):
            if path in there and not stat.S_ISDIR(status.st_mode):
                yield path, "is there although the manifest says that it was not copied"
        elif path not in there:
            yield path, "is missing, and the manifest does not say why"
        elif why := same(source, destination, path, status, there[path]):
            yield path, why
    for path in sorted(set(there) - set(here)):
        yield path, "is at the destination only"
    for path in sorted(skipped):
        if path not in here and not is_skipped(os.path.dirname(path)):
            yield path, "is in the manifest and not in the home"


def main(demo):
    demo = os.fsencode(demo)
    report = json.load(open(os.path.join(demo, b"report.json")))
    world = json.load(open(os.path.join(demo, b"world/world.json")))
    amiss, homes, entries = 0, 0, 0
    for person in report["people"]:
        domain, profile, space = person["domain"], person["profile"], person["space"]
        source = os.path.join(demo, b"world/efs", os.fsencode(home_of(world, domain, profile)))
        destination = os.path.join(demo, b"world/ebs", domain.encode(), space.encode())
        skipped = manifest(os.path.join(demo, b"manifests", domain.encode(), profile.encode() + b".jsonl.zst"))
        homes, entries = homes + 1, entries + len(tree(source))
        for path, why in compare(source, destination, skipped):
            amiss += 1
            print(f"{domain}/{profile}: {path!r} {why}")
    print(f"{homes} homes, {entries} entries, {amiss} amiss")
    return 1 if amiss or not homes else 0


def home_of(world, domain, profile):
    """-> `<file-system>/<uid>` of a profile, from the control plane's state."""
    studio = world["studio"]
    return f"{studio['domains'][domain]['file_system']}/{studio['profiles'][f'{domain}/{profile}']['uid']}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
