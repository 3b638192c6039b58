#!/usr/bin/env bash
# Runs the tests on an NVIDIA GPU: operators, engine, models and API, with recorded graphs and without, with cuBLASLt and
# without, and the operators' small cases under compute-sanitizer. Needs this package built with nvcc (README.md says how).
# Writes logs, check.json and a table to the output folder; fails when a step fails.
#
#   scripts/gpu/check.sh [--out FOLDER] [--device cuda:N] [--dry-run]
#
# --dry-run says what would run and fails if something it needs is missing; it needs no GPU.
set -uo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
parse_options "$@"
cd "$root"

jest() { # NAME [VARIABLE=VALUE...] -- FOLDER...
  local name=$1 variables=()
  shift
  while [ "$1" != -- ]; do variables+=("$1"); shift; done
  shift
  step "$name" env SKIPSCAN_TEST_DEVICE="$device" "${variables[@]}" node_modules/.bin/jest --json --outputFile="$out/$name.json" "$@"
}

need 'node 20' 'install Node.js 20 or newer' node -e 'process.exit(process.versions.node.split(".")[0] >= 20 ? 0 : 1)'
need 'jest' 'npm ci' test -x node_modules/.bin/jest
need 'the addon, with GPU kernels' 'npm run build:native, with nvcc on the PATH' built_with_cuda
need 'replay_cuda' 'node scripts/build-native.js --program replay_cuda' test -x "$programs/replay_cuda"
$dry_run || need 'a GPU' 'npx skipscan doctor says why there is none' gpu_usable
stop_if_missing

jest operators -- test/ops
jest models -- test/engine test/parity test/api
jest eager SKIPSCAN_CUDA_GRAPHS=off -- test/engine test/parity
jest own-products SKIPSCAN_CUBLASLT=off -- test/ops test/parity

cases=$out/cases
step record env SKIPSCAN_RECORD_CASES="$cases" node_modules/.bin/jest test/ops
step replay "$programs/replay_cuda" "$cases"
if have 'compute-sanitizer' compute-sanitizer --version; then
  for tool in memcheck racecheck synccheck initcheck; do
    step "$tool" compute-sanitizer --tool "$tool" --error-exitcode 1 "$programs/replay_cuda" "$cases"
  done
else
  skip sanitizer 'found no compute-sanitizer on the PATH'
fi

if $dry_run; then exit 0; fi
rm -rf "$cases"
node scripts/gpu/report.mjs check "$out"
