#!/bin/sh
# Times Graft: bench.sh GRAFT. Best of several runs each; convert and cp take turns in one run.
set -eu

graft=$1
out=.build/bench
runs=5
rm -rf "$out"
mkdir -p "$out"
trap 'rm -rf "$out"' EXIT

# A model of an embedding, a head and no layers: 2 x 256 MiB of random bytes.
model=$out/model
vocab=524288
hidden=128
half=$((vocab * hidden * 4))
mkdir "$model"
cat > "$model/config.json" <<JSON
{ "model_type": "gpt_base", "vocab_size": $vocab, "max_position_embeddings": 1, "hidden_size": $hidden,
  "num_layers": 0, "normalization_function": "rmsnorm", "initializer_range": 0.02,
  "position_embedding_type": "nope", "init_method": "normal", "use_depth_scaled_init": false,
  "sequence_mixer_blocks": [], "mlp_blocks": [], "tie_word_embeddings": false }
JSON
tensor() { printf '"%s":{"dtype":"F32","shape":[%s],"data_offsets":[%s,%s]}' "$1" "$2" "$3" "$4"; }
header="{$(tensor lm_head.weight $vocab,$hidden 0 $half)"
header="$header,$(tensor transformer.ln_f.weight $hidden $half $((half + hidden * 4)))"
header="$header,$(tensor transformer.wte.weight $vocab,$hidden $((half + hidden * 4)) $((2 * half + hidden * 4)))}"
length=$(((${#header} + 7) / 8 * 8))
{
  printf "\\$(printf %o $((length % 256)))\\$(printf %o $((length / 256)))\\0\\0\\0\\0\\0\\0"
  printf "%-${length}s" "$header"
  head -c $((2 * half + hidden * 4)) /dev/urandom
} > "$model/model.safetensors"

# elapsed COMMAND...: its wall time in microseconds.
elapsed() {
  start=$(date +%s%N)
  "$@" > /dev/null
  echo $((($(date +%s%N) - start) / 1000))
}

# best OLD NEW: the smaller one.
best() { [ "$1" -gt 0 ] && [ "$1" -lt "$2" ] && echo "$1" || echo "$2"; }

copy() {
  cp --reflink=never -r "$model" "$out/cp"
  sync -f "$out/cp"
}
convert() { "$graft" convert "$model" "$out/convert" --max-shard-size 300MB --no-manifest --quiet; }

inspect_time=0 copy_time=0 convert_time=0
for _ in $(seq $runs); do
  rm -rf "$out/cp" "$out/convert"
  inspect_time=$(best $inspect_time "$(elapsed "$graft" inspect "$model")")
  copy_time=$(best $copy_time "$(elapsed copy)")
  convert_time=$(best $convert_time "$(elapsed convert)")
done
rm -rf "$out/cp" "$out/convert"

# per_second LONG_TIME SHORT_TIME TOKENS: tokens per second between the two, start-up left out.
per_second() { awk -v a="$1" -v b="$2" -v n="$3" 'BEGIN { printf "%.0f", n / ((a - b) / 1e6) }'; }

tiny=fixtures/trained/pytiny
text=fixtures/trained/python-source.val.bin
score() { "$graft" score $tiny --tokens $text --bytes --block 512 --limit "$1"; }
generate() { "$graft" generate $tiny --tokens "$out/prompt" --bytes --count "$1"; }
printf 'def ' > "$out/prompt"

score_long=0 score_short=0 generate_long=0 generate_short=0
for _ in $(seq $runs); do
  score_long=$(best $score_long "$(elapsed score 16384)")
  score_short=$(best $score_short "$(elapsed score 2048)")
  generate_long=$(best $generate_long "$(elapsed generate 1200)")
  generate_short=$(best $generate_short "$(elapsed generate 200)")
done

awk -v i=$inspect_time -v c=$copy_time -v g=$convert_time -v b=$((2 * half)) 'BEGIN {
  printf "inspect, 537 MB, headers only    %8.1f ms\n", i / 1e3
  printf "cp and sync, 537 MB              %8.0f ms  %6.0f MB/s\n", c / 1e3, b / c
  printf "convert into 2 shards, 537 MB    %8.0f ms  %6.0f MB/s  %.2f x the time of cp\n", g / 1e3, b / g, g / c
}'
echo "pytiny (0.5 M parameters), prefill in blocks of 512: $(per_second $score_long $score_short 14336) tokens/s"
echo "pytiny (0.5 M parameters), decode one by one: $(per_second $generate_long $generate_short 1000) tokens/s"
