#!/usr/bin/env bash
# Puts every exchange of a demo's wire log to another checker that has wire_check.py's `exchange` function.
set -euo pipefail
checker="$(realpath "$1")"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check botocore regex
cargo run --locked --quiet -- --wire-log "$work/wire.jsonl" demo --dir "$work/demo" > "$work/demo.log" 2>&1 || {
    tail -n 40 "$work/demo.log"
    exit 1
}
"$work/venv/bin/python" - "$checker" "$work/wire.jsonl" "$work/checked.jsonl" <<'PYTHON'
import base64, importlib.util, json, sys
spec = importlib.util.spec_from_file_location("checker", sys.argv[1])
checker = importlib.util.module_from_spec(spec)
spec.loader.exec_module(checker)
with open(sys.argv[3], "w") as out:
    for line in open(sys.argv[2]):
        seen = json.loads(line)
        body, answer = (base64.b64decode(seen[side] or "") for side in ("request_body_base64", "response_body_base64"))
        checked = checker.exchange(seen["method"], seen["target"], seen["request_headers"], body,
                                   seen["status"], seen["response_headers"], answer)
        out.write(json.dumps(checked, default=str) + "\n")
PYTHON
"$work/venv/bin/python" "$checker" check "$work/checked.jsonl"
