#!/usr/bin/env bash
# The main job on the sample logs: archives in, labelled lake out, a first question answered.
set -euo pipefail
cd "$(dirname "$0")/.."
dioptre=.venv/bin/dioptre
lake=${1:-demo-lake}
say() { printf '\n\033[1m$ %s\033[0m\n' "$*"; }
run() { say "dioptre $*"; "$dioptre" "$@"; }

run backfill sample_data/logs --lake "$lake"
run templates list --lake "$lake" --limit 15
run sql --lake "$lake" -f deploy/sql/01_new_since_deploy.sql
printf '\nThe lake is in %s. Ask it yourself:\n  %s sql --lake %s\n' "$lake" "$dioptre" "$lake"
