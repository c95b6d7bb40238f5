#!/usr/bin/env python3
"""Takes from botocore's service models what the simulator checks requests and replies against.

    pip download --no-deps --dest /tmp/botocore botocore
    python3 tests/conformance/extract_models.py /tmp/botocore/botocore-*.whl

Writes src/sim/model/<service>.json: the operations that the simulator serves and the shapes that they reach, without
documentation. botocore is Copyright Amazon.com, Inc. or its affiliates, licensed under the Apache License 2.0.
"""

import gzip
import json
import pathlib
import re
import sys
import zipfile

STUDIO = ["Domain", "UserProfile", "Space"]
SERVED = {
    "sagemaker": [f"{verb}{noun}" for noun in STUDIO for verb in ("Create", "Describe", "Update", "Delete")]
    + [f"List{noun}s" for noun in STUDIO]
    + [f"{verb}App" for verb in ("Create", "Describe", "Delete")]
    + [f"{verb}StudioLifecycleConfig" for verb in ("Create", "Describe", "Delete")]
    + [f"{verb}AppImageConfig" for verb in ("Create", "Describe", "Update", "Delete")]
    + ["ListApps", "ListStudioLifecycleConfigs", "ListAppImageConfigs"]
    + ["ListImages", "DescribeImage", "ListImageVersions", "DescribeImageVersion"]
    + ["AddTags", "ListTags", "DeleteTags", "CreatePresignedDomainUrl"],
    "efs": [
        "DescribeFileSystems",
        "DescribeAccessPoints",
        "DescribeMountTargets",
        "DescribeMountTargetSecurityGroups",
        "DescribeFileSystemPolicy",
        "ListTagsForResource",
        "DescribeLifecycleConfiguration",
        "PutLifecycleConfiguration",
        "UpdateFileSystem",
    ],
    "service-quotas": ["ListServiceQuotas", "GetServiceQuota"],
    "cloudtrail": ["LookupEvents"],
    "datasync": ["CreateLocationEfs", "CreateLocationS3", "DescribeLocationEfs", "DescribeLocationS3"]
    + ["ListLocations", "DeleteLocation", "TagResource", "UntagResource", "ListTagsForResource"]
    + [f"{verb}Task" for verb in ("Create", "Describe", "Update", "Delete")]
    + [f"{verb}TaskExecution" for verb in ("Start", "Describe", "Update", "Cancel")]
    + ["ListTasks", "ListTaskExecutions"],
}
# A URI holds the subdirectory that a location was made with, whose own pattern takes more than the URI's.
WIDENED = {("datasync", "LocationUri"): r"^(efs|s3)://[a-zA-Z0-9.:/\-_+()\p{Zs}]+$"}
KEPT = ("type", "required", "enum", "pattern", "min", "max")


def newest(wheel, service):
    """Reads the newest version of a service's model."""
    models = [n for n in wheel.namelist() if re.fullmatch(rf"botocore/data/{service}/[^/]+/service-2\.json(\.gz)?", n)]
    data = wheel.read(sorted(models)[-1])
    return json.loads(gzip.decompress(data) if sorted(models)[-1].endswith(".gz") else data)


def member(reference, name):
    """A member's shape. No served operation names a member otherwise on the wire; one that did would need support."""
    assert reference.get("locationName", name) == name, f"{name} has another name on the wire"
    return reference["shape"]


def shape(service, model, name, found):
    """Adds a shape and all that it reaches to `found`."""
    if name in found:
        return
    full = model["shapes"][name]
    kept = {key: full[key] for key in KEPT if key in full}
    if "pattern" in kept:
        # A repeated look-ahead says no more than a single one, and not every engine takes it.
        kept["pattern"] = re.sub(r"(\(\?[!=](?:\\.|[^()\\])*\))\+", r"\1", kept["pattern"])
    kept |= {"pattern": WIDENED[service, name]} if (service, name) in WIDENED else {}
    found[name] = kept
    for part in ("member", "key", "value"):
        if part in full:
            kept[part] = full[part]["shape"]
            shape(service, model, kept[part], found)
    if "members" in full:
        kept["members"] = {key: member(reference, key) for key, reference in full["members"].items()}
        for reference in full["members"].values():
            shape(service, model, reference["shape"], found)
    if full.get("union"):
        kept["union"] = True


def code(model, name):
    """The error code that the wire carries for an error shape."""
    return model["shapes"][name].get("error", {}).get("code", name)


def extract(service, model, operations, version):
    """One service's compact model."""
    found, kept = {}, {}
    for name in sorted(operations):
        operation = model["operations"][name]
        kept[name] = {"errors": [code(model, error["shape"]) for error in operation.get("errors", [])]}
        for side in ("input", "output"):
            if side in operation:
                kept[name][side] = operation[side]["shape"]
                shape(service, model, operation[side]["shape"], found)
    about = f"Extracted from botocore {version} by tests/conformance/extract_models.py; Copyright Amazon.com, Inc. or its affiliates, Apache-2.0"
    return {"about": about, "service": model["metadata"]["serviceId"], "operations": kept, "shapes": dict(sorted(found.items()))}


def lines(compact):
    """JSON with one operation or shape a line, so that a new version makes a readable difference."""
    dump = lambda value: json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    block = lambda name: "{\n" + ",\n".join(f"{dump(k)}:{dump(v)}" for k, v in compact[name].items()) + "\n}"
    head = ",\n".join(f"{dump(k)}:{dump(compact[k])}" for k in ("about", "service"))
    return "{\n" + head + ',\n"operations":' + block("operations") + ',\n"shapes":' + block("shapes") + "\n}\n"


def main():
    """Writes every served service's model."""
    path = pathlib.Path(sys.argv[1])
    version = path.name.split("-")[1]
    target = pathlib.Path(__file__).parents[2] / "src/sim/model"
    with zipfile.ZipFile(path) as wheel:
        for service, operations in SERVED.items():
            text = lines(extract(service, newest(wheel, service), operations, version))
            (target / f"{service}.json").write_text(text)
            print(f"{service}.json: {len(operations)} operations, {len(text)} bytes")


if __name__ == "__main__":
    main()
