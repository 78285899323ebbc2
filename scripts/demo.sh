#!/bin/sh
# Shows the main job on the fixtures: demo.sh GRAFT. Every command is printed before it runs.
set -eu

graft=$1
out=.build/demo
model=fixtures/trained/pytiny
state_tracker=fixtures/trained/s3-state-tracking
text=fixtures/trained/python-source.val.bin

say() { printf '\n# %s\n' "$*"; }

run() {
  printf '$ graft %s\n' "$*"
  "$graft" "$@"
}

rm -rf "$out"
mkdir -p "$out"

say "A small trained hybrid: three Gated DeltaNet layers and one attention layer."
run inspect $model

say "Does Graft compute what the original implementation, lm-engine, computes?"
run verify $model --reference $model/reference.safetensors

say "Replace layer 0 by a fresh M2RNN layer, and measure what that does to the function."
run splice $model $out/spliced --layer 0 --init reference --seed 0 --tokens $text --bytes

say "Cut the result into files of at most 300 kB."
run convert $out/spliced $out/sharded --max-shard-size 300KB
run inspect $out/sharded

say "Does lm-engine, given the same splice, compute the same logits?"
run verify $out/sharded --reference fixtures/spliced/pytiny-layer0.safetensors

say "An M2RNN hybrid trained on 128 steps of the word problem of S3 tracks its state for 2048."
run score $state_tracker --tokens $state_tracker/reference.safetensors
