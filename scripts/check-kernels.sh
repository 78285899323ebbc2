#!/bin/sh
# Checks that a build runs on processors without AVX: check-kernels.sh BUILD_FOLDER.
#
# The linker keeps one of several weak functions of the same name. If the modules compiled for newer
# processors share such a function with another module, the others may get code they cannot run.
set -eu

build=$1
if [ ! -d "$build/KernelLoopsV3.build" ]; then
  echo "check-kernels: not checked, kernels have one form on $(uname -m)"
  exit 0
fi

# functions KIND FOLDER...: the names that objects of the folders define, weak ones or all.
functions() {
  kind=$1
  shift
  find "$@" -name '*.o' -exec nm --defined-only {} + 2>/dev/null \
    | awk -v kind="$kind" 'NF == 3 && index(kind, $2) { print $3 }' | LC_ALL=C sort -u
}

special=$(find "$build/" -maxdepth 1 -name 'KernelLoopsV*.build')
others=$(find "$build/" -maxdepth 1 -name '*.build' ! -name 'KernelLoopsV*.build')
list=$(mktemp)
trap 'rm -f "$list"' EXIT
functions TWtw $others > "$list"
shared=$(functions Ww $special | LC_ALL=C comm -12 - "$list")
if [ -n "$shared" ]; then
  echo "check-kernels: these functions of KernelLoopsV* have the same name elsewhere:" >&2
  echo "$shared" >&2
  exit 1
fi

if ! command -v qemu-x86_64 >/dev/null; then
  echo "check-kernels: not run on an emulated old processor, because there is no qemu-x86_64" \
    "(Debian: apt-get install qemu-user)"
  exit 0
fi
for model in lm-engine/m2rnn-1l-moe huggingface/qwen3_next/bf16 huggingface/olmo_hybrid/bf16; do
  qemu-x86_64 -cpu Nehalem "$build/graft" verify "fixtures/$model" \
    --reference "fixtures/$model/reference.safetensors" --quiet || {
    echo "check-kernels: graft verify fixtures/$model fails on an emulated Nehalem" >&2
    exit 1
  }
done
echo "check-kernels: no shared functions; runs on an emulated Nehalem"
