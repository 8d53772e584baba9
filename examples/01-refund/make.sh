#!/usr/bin/env bash
# Makes everything under evidence/ again: production traces of the base version, then the eval of each of the three states.
#
#   GATECARD=path  the gatecard binary that names the base prompt version (default: gatecard on the PATH)
#   VERSION=hex    use this digest instead of asking gatecard
#   SCRATCH=dir    keep the installed tools there for the next run (default: a temporary folder)
#
# Needs bash, git, node with npm, and python3 with venv. Talks to the package registries and to 127.0.0.1, to no model.
set -euo pipefail
shopt -s inherit_errexit

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
scratch=${SCRATCH:-$work/tools}
model_pid=

cleanup() {
  if [[ -n $model_pid ]]; then kill "$model_pid" 2>/dev/null || true; fi
  rm -rf "$work"
}
trap cleanup EXIT

install_tools() {
  mkdir -p "$scratch/npm"
  scratch=$(cd "$scratch" && pwd)
  [[ -x $scratch/venv/bin/python ]] || python3 -m venv "$scratch/venv"
  "$scratch/venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/tools/requirements.txt"
  cp "$here/tools/package.json" "$scratch/npm/package.json"
  npm install --prefix "$scratch/npm" --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
}

# The repository in one of its states: base, or base with the files of a head laid over it.
checkout() {
  rm -rf "$work/refund"
  mkdir "$work/refund"
  cp -R "$here/base/." "$work/refund"
  if [[ $1 != base ]]; then cp -R "$here/$1/." "$work/refund"; fi
}

prompt_version() {
  if [[ -n ${VERSION:-} ]]; then
    echo "$VERSION"
    return
  fi
  checkout base
  local git=(git -C "$work/refund" -c user.name=example -c user.email=example@example.invalid -c commit.gpgsign=false)
  "${git[@]}" init --quiet
  "${git[@]}" add --all
  "${git[@]}" commit --quiet --message "Base"
  "${GATECARD:-gatecard}" prompts --repo "$work/refund" --revision HEAD --format json >"$work/prompts.json"
  "$python" -c 'import json, sys
print(next(p["version"] for p in json.load(sys.stdin)["prompts"] if p["id"] == "support/refund"))' <"$work/prompts.json"
}

start_model() {
  "$python" "$here/tools/model.py" "$work/port" &
  model_pid=$!
  for _ in $(seq 100); do
    if [[ -s $work/port ]]; then break; fi
    sleep 0.1
  done
  port=$(<"$work/port")
}

evaluate() { # NAME STATE
  checkout "$2"
  (
    cd "$work/refund"
    export OPENAI_BASE_URL="http://127.0.0.1:$port/v1" OPENAI_API_KEY=unused
    export PROMPTFOO_CONFIG_DIR="$work/promptfoo" PROMPTFOO_FAILED_TEST_EXIT_CODE=0
    export PROMPTFOO_DISABLE_TELEMETRY=1 PROMPTFOO_DISABLE_UPDATE=1 PROMPTFOO_DISABLE_REMOTE_GENERATION=1
    "$scratch/npm/node_modules/.bin/promptfoo" eval -c evals/promptfooconfig.yaml -o results.json \
      --no-cache --no-progress-bar --no-table >"$work/$1.log" 2>&1 || { cat "$work/$1.log" >&2; exit 1; }
  )
  # promptfoo writes absolute paths: name a neutral folder in place of the temporary one.
  sed "s#$work/refund#/srv/refund#g" "$work/refund/results.json" | gzip -n -9 >"$work/evidence/$1.json.gz"
}

export PYTHONDONTWRITEBYTECODE=1
install_tools
python=$scratch/venv/bin/python
version=$(prompt_version)
[[ $version =~ ^[0-9a-f]{64}$ ]] || { echo "not a prompt version: '$version'" >&2; exit 1; }
start_model
mkdir "$work/evidence"

"$python" "$here/tools/traces.py" "$here/base/prompts/support/refund.md" "$version" "$port" "$work/traces.otlp.jsonl"
gzip -n -9 -c "$work/traces.otlp.jsonl" >"$work/evidence/traces.otlp.jsonl.gz"
evaluate baseline base
evaluate blocked blocked
evaluate fixed fixed

mkdir -p "$here/evidence"
cp "$work/evidence/"* "$here/evidence/"
sed -E "s/^( +version: )\"[0-9a-f]{12}\"/\1\"${version:0:12}\"/" "$here/base/.gatecard/reviews.yml" >"$work/reviews.yml"
cp "$work/reviews.yml" "$here/base/.gatecard/reviews.yml"
"$python" "$here/tools/counts.py" "$here"
