# For check.sh and bench.sh: where things are, and steps that are run one after another and reported together.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
programs=$root/build/cmake/bin
# Where compute-sanitizer is, when it is not on the PATH already.
export PATH="$PATH:${CUDA_HOME:-/usr/local/cuda}/bin"

# A machine without node or without network: pack.sh has put what is needed beside the sources.
if [ -d "$root/gpu-pack" ]; then
  for archive in "$root"/gpu-pack/*.tar.xz; do tar -xJf "$archive" -C "$root"; done
  export PATH="$root/gpu-pack/bin:$PATH"
fi

dry_run=false
out=
device=cuda:0

# --out FOLDER, --device cuda:N, --dry-run
parse_options() {
  while [ $# -gt 0 ]; do
    case $1 in
      --dry-run) dry_run=true ;;
      --out) out=${2:?--out: expected a folder}; shift ;;
      --device) device=${2:?--device: expected a device such as cuda:0}; shift ;;
      *) echo "Usage: $0 [--out FOLDER] [--device cuda:N] [--dry-run]" >&2; exit 2 ;;
    esac
    shift
  done
  out=${out:-$root/build/gpu/$(basename "$0" .sh)}
  mkdir -p "$out"
  out=$(cd "$out" && pwd)
  : >"$out/steps.tsv"
}

missing=0

# need WHAT FIX COMMAND...: WHAT is there if the command succeeds; else it says how to get it.
need() {
  local what=$1 fix=$2
  shift 2
  if "$@" >/dev/null 2>&1; then
    echo "found    $what"
  else
    echo "missing  $what: $fix"
    missing=$((missing + 1))
  fi
}

# have WHAT COMMAND...: the same for what can be done without.
have() {
  local what=$1
  shift
  if "$@" >/dev/null 2>&1; then
    echo "found    $what"
  else
    echo "absent   $what: its steps are skipped"
    return 1
  fi
}

stop_if_missing() {
  [ "$missing" = 0 ] || exit 1
}

# step NAME COMMAND...: runs it, or in a dry run prints it; its output goes to NAME.log, and one line to steps.tsv.
step() {
  local name=$1 start=$SECONDS status=0
  shift
  echo
  echo "== $name: $*"
  if $dry_run; then return; fi
  rm -f "$out/$name.json"
  "$@" >"$out/$name.log" 2>&1 || status=$?
  tail -n 15 "$out/$name.log"
  printf '%s\t%s\t%s\t%s\n' "$name" "$status" "$((SECONDS - start))" "$*" >>"$out/steps.tsv"
}

# skip NAME WHY
skip() {
  if $dry_run; then return; fi
  rm -f "$out/$1.json"
  printf '%s\tskipped\t0\t%s\n' "$1" "$2" >>"$out/steps.tsv"
}

# That this build has GPU kernels, and that there is a GPU for them.
built_with_cuda() { node -e 'process.exit(require("node-gyp-build")(process.argv[1]).buildInfo().cuda ? 0 : 1)' "$root"; }
gpu_usable() {
  node -e 'const s = require("node-gyp-build")(process.argv[1]).cudaStatus(); console.error(s.reason ?? ""); process.exit(s.devices.length ? 0 : 1)' "$root"
}
