#!/usr/bin/env python3
"""Checks a wire log against AWS's own service models (botocore) and against the table of members that AWS always returns.

usage: check_wire.py WIRE_LOG ALWAYS_RETURNED

Covers the JSON and REST-JSON services: SageMaker, EFS, Service Quotas, CloudTrail, DataSync. Requests and answers must have every
required member, no unknown one, and values within enums, patterns and bounds; an error must be one that the operation
declares or that every service has. Prints what is wrong and exits 1 if anything is, or if there was nothing to check."""
import base64, collections, json, re, sys

import botocore.session
import regex

SERVICES = {"SageMaker": "sagemaker", "EFS": "efs", "Service Quotas": "service-quotas", "CloudTrail": "cloudtrail",
            "DataSync": "datasync"}
COMMON = {"AccessDeniedException", "ThrottlingException", "ValidationException", "InternalFailure", "ServiceUnavailable",
          "ExpiredTokenException", "UnrecognizedClientException"}
TYPES = {"string": str, "integer": int, "long": int, "boolean": bool, "list": list, "map": dict, "structure": dict,
         "double": (int, float), "float": (int, float), "timestamp": (int, float)}
session = botocore.session.Session()


def check(shape, value, path, wrong):
    kind = shape.type_name
    expected = TYPES.get(kind)
    if expected and (not isinstance(value, expected) or (isinstance(value, bool) and kind != "boolean")):
        return wrong.append(f"{path}: {type(value).__name__} is no {kind}")
    size = len(value) if kind in ("string", "list", "map") else value
    limits = shape.metadata
    if kind not in ("structure", "boolean", "timestamp", "blob"):
        if "min" in limits and size < limits["min"] or "max" in limits and size > limits["max"]:
            wrong.append(f"{path}: {size} is out of bounds")
    if kind == "structure":
        names = {member.serialization.get("name", name): (name, member) for name, member in shape.members.items()}
        for name in shape.required_members:
            if shape.members[name].serialization.get("name", name) not in value:
                wrong.append(f"{path}.{name}: required and missing")
        for name, inner in value.items():
            if name in names:
                check(names[name][1], inner, f"{path}.{names[name][0]}", wrong)
            elif name != "__type":
                wrong.append(f"{path}.{name}: unknown member")
    elif kind == "list":
        for number, inner in enumerate(value):
            check(shape.member, inner, f"{path}[{number}]", wrong)
    elif kind == "map":
        for name, inner in value.items():
            check(shape.value, inner, f"{path}.{name}", wrong)
    elif kind == "string":
        if shape.enum and value not in shape.enum:
            wrong.append(f"{path}: {value!r} is not in the enum")
        if "pattern" in limits and not regex.compile(limits["pattern"]).fullmatch(value):
            wrong.append(f"{path}: {value!r} does not match {limits['pattern']}")


def always(answer, path, wrong, at=""):
    """A path such as `Apps[].AppName` must lead to something in every element."""
    head, _, rest = path.partition(".")
    name = head.removesuffix("[]")
    if name not in answer:
        wrong.append(f"{at}.{name}: AWS always returns it")
    elif head.endswith("[]"):
        for inner in answer[name]:
            always(inner, rest, wrong, f"{at}.{name}[]")


def main(log, table):
    table = json.load(open(table))
    tally, checked = collections.Counter(), collections.Counter()
    for line in open(log):
        seen = json.loads(line)
        service = SERVICES.get(seen["service"])
        if not service:
            continue
        model = session.get_service_model(service)
        operation = model.operation_model(seen["operation"])
        wrong = []
        body = base64.b64decode(seen["request_body_base64"] or "") or b"{}"
        # A model may name several protocols, and the first of them need not be the one that clients choose.
        if operation.input_shape and model.resolved_protocol == "json":
            check(operation.input_shape, json.loads(body), "request", wrong)
        answer = json.loads(base64.b64decode(seen["response_body_base64"] or "") or b"{}")
        if seen["status"] < 300:
            if operation.output_shape:
                check(operation.output_shape, answer, "answer", wrong)
            for path in table[service].get(seen["operation"], []):
                always(answer, path, wrong, "answer")
        elif seen["status"] >= 500:
            wrong.append(f"answered with {seen['status']}")
        else:
            code = re.split("[#:]", answer.get("__type") or answer.get("ErrorCode") or "")[-1]
            declared = {name for error in operation.error_shapes for name in (error.name, error.error_code)}
            if code not in declared | COMMON:
                wrong.append(f"error {code!r} is not declared")
        checked[f"{service}:{seen['operation']}"] += 1
        for what in wrong:
            tally[f"{service}:{seen['operation']} {what}"] += 1
    for what, count in sorted(tally.items()):
        print(f"{count:5} {what}")
    print(f"{sum(checked.values())} exchanges of {len(checked)} operations checked, {len(tally)} kinds of wrong")
    return 1 if tally or not checked else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
