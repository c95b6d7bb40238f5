"""Checks a JSON file against a JSON Schema (2020-12): validate_schema.py SCHEMA FILE. Exit 1 names what does not fit."""

import json
import sys

import jsonschema

schema, report = (json.load(open(path, encoding="utf-8")) for path in sys.argv[1:3])
jsonschema.Draft202012Validator.check_schema(schema)
wrong = list(jsonschema.Draft202012Validator(schema).iter_errors(report))
for error in wrong[:20]:
    print(f"{error.json_path}: {error.message[:300]}")
sys.exit(1 if wrong else 0)
