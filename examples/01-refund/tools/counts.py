"""Counts what is in the evidence, and fails where it is not what README.md says. Usage: counts.py EXAMPLE_FOLDER"""
import gzip
import json
import sys
from pathlib import Path

EXPECTED = {"baseline": "54 passed, 6 failed, 0 errored", "blocked": "40 passed, 20 failed, 0 errored", "fixed": "56 passed, 4 failed, 0 errored",
            "spans": 579, "requests": 160, "chat calls": 161, "without prompt stamp": 1, "failed": 2, "fallback": 1, "cases from traces": 15}
here = Path(sys.argv[1])
cases = {case["metadata"]["id"]: case for case in json.loads((here / "base/evals/cases.json").read_text("utf-8"))}
found = {}

for run in ("baseline", "blocked", "fixed"):
    results = json.loads(gzip.open(here / f"evidence/{run}.json.gz").read())["results"]
    stats = results["stats"]
    found[run] = f"{stats['successes']} passed, {stats['failures']} failed, {stats['errors']} errored"
    assert {row["testCase"]["metadata"]["id"] for row in results["results"]} == set(cases), f"{run}: other cases than base/evals/cases.json"

spans = []
for line in gzip.open(here / "evidence/traces.otlp.jsonl.gz", "rt", encoding="utf-8"):
    for resource in json.loads(line)["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                values = {item["key"]: next(iter(item["value"].values())) for item in span["attributes"]}
                spans.append((span["traceId"], values))
chats = [(trace, values) for trace, values in spans if values.get("gen_ai.operation.name") == "chat"]
found["spans"] = len(spans)
found["requests"] = sum("http.route" in values for _, values in spans)
found["chat calls"] = len(chats)
found["without prompt stamp"] = sum("gen_ai.prompt.version" not in values for _, values in chats)
found["failed"] = sum("error.type" in values for _, values in chats)
found["fallback"] = sum(values["gen_ai.request.model"] != "gpt-4o-mini" for _, values in chats)

by_trace = dict(chats)
taken = [case for case in cases.values() if "trace_id" in case["metadata"]]
found["cases from traces"] = len(taken)
for case in taken:
    values = by_trace[case["metadata"]["trace_id"]]
    for name, value in case["vars"].items():
        assert values[f"gen_ai.prompt.variable.{name}"] == value, f"{case['metadata']['id']}: {name} differs from its trace"

for name, value in found.items():
    print(f"{name}: {value}" + ("" if value == EXPECTED[name] else f", EXPECTED {EXPECTED[name]}"))
sys.exit(found != EXPECTED)
