#!/usr/bin/env bash
# Makes gpu-pack/: what check.sh and bench.sh need on a GPU machine that has no network and no Node.js, as archives that they
# unpack: node itself, the modules that tests run with, and the build. Copy it there with the sources.
# SKIPSCAN_CUDA_ARCHS chooses the GPUs that are compiled for (CMakeLists.txt explains it); the default runs on all.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

npm run build
for program in replay_cuda bench_kernels; do
  node scripts/build-native.js --program "$program"
done

mkdir -p gpu-pack
pack() { # NAME tar arguments: an archive below gpu-pack, which appears when it is complete
  local name=$1
  shift
  tar -c "$@" | xz -T0 -6 >"gpu-pack/$name.tar.xz.new"
  mv "gpu-pack/$name.tar.xz.new" "gpu-pack/$name.tar.xz"
}
# What takes long is packed again only when it has changed.
node=$(readlink -f "$(command -v node)")
if [ ! gpu-pack/node.tar.xz -nt "$node" ]; then
  pack node --transform 's,^.*/,gpu-pack/bin/,' -P "$node"
fi
# No tool of development but jest.
if [ ! gpu-pack/modules.tar.xz -nt node_modules/.package-lock.json ]; then
  pack modules --exclude='node_modules/@biomejs' --exclude='node_modules/@typescript' --exclude='node_modules/typescript' \
    --exclude='node_modules/clang-format' --exclude='node_modules/node-gyp' --exclude='*.map' node_modules
fi
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
mkdir -p "$stage/build/Release" "$stage/build/cmake/bin"
cp build/Release/skipscan.node "$stage/build/Release/"
cp build/cmake/bin/{replay_cuda,bench_kernels} "$stage/build/cmake/bin/"
strip --strip-unneeded "$stage/build/Release/skipscan.node" "$stage"/build/cmake/bin/*
cp -r dist "$stage/"
pack build -C "$stage" build dist
du -ch gpu-pack/*.tar.xz
