#!/usr/bin/env bash
# Measures on an NVIDIA GPU: every kernel against its floor and, where python3 has them, against mamba_ssm and causal_conv1d;
# then language and vision models of published shapes with random weights. Needs this package built with nvcc (README.md says how).
# Writes logs, bench.json and a table to the output folder.
#
#   scripts/gpu/bench.sh [--out FOLDER] [--device cuda:N] [--dry-run]
#
# --dry-run says what would run and fails if something it needs is missing; it needs no GPU.
set -uo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
parse_options "$@"
cd "$root"

need 'node 20' 'install Node.js 20 or newer' node -e 'process.exit(process.versions.node.split(".")[0] >= 20 ? 0 : 1)'
need 'the package' 'npm run build:ts' test -f dist/index.js
need 'the addon, with GPU kernels' 'npm run build:native, with nvcc on the PATH' built_with_cuda
need 'bench_kernels' 'node scripts/build-native.js --program bench_kernels' "$programs/bench_kernels" --list
$dry_run || need 'a GPU' 'npx skipscan doctor says why there is none' gpu_usable
stop_if_missing

step kernels "$programs/bench_kernels" --device "${device#cuda:}" --json "$out/kernels.json"
if have 'mamba_ssm or causal_conv1d' python3 scripts/gpu/bench/peers.py --found; then
  step peers python3 scripts/gpu/bench/peers.py --device "$device" --json "$out/peers.json"
else
  skip peers 'python3 has neither mamba_ssm nor causal_conv1d'
fi
for shape in ${SKIPSCAN_BENCH_SHAPES:-mamba-1.4b mamba-2.8b mamba2-1.3b mamba2-2.7b}; do
  step "$shape" node scripts/gpu/bench/models.mjs --shape "$shape" --device "$device" --ceilings "$out/kernels.json" \
    --json "$out/$shape.json"
done
step vision bash -c 'node dist/cli/main.js bench vision --batch 1,8,64 --device "$0" --dtype bf16 --json | tee "$1"' \
  "$device" "$out/vision.json"

if $dry_run; then exit 0; fi
node scripts/gpu/report.mjs bench "$out"
