#!/bin/sh
# Prints, as Markdown, what each fixture converts to exactly: scripts/pairs.sh GRAFT [FIXTURE…]
set -eu
graft=$1
shift
if [ $# -eq 0 ]; then
  set -- lm-engine/gdn-hybrid lm-engine/m2rnn-1l fla/gdn-hybrid huggingface/qwen3_next/bf16 \
    huggingface/qwen3_5/text-bf16 huggingface/qwen3_5/multimodal-mixed \
    huggingface/qwen3_5_moe/text-f32 huggingface/qwen3_5_moe/multimodal-fused-mixed \
    huggingface/olmo_hybrid/bf16
fi
echo '| from | exactly into | refused, with the number of reasons |'
echo '|---|---|---|'
for fixture; do
  "$graft" convert --explain "fixtures/$fixture" --mtp drop | awk -v fixture="$fixture" '
    / → .*: exact$/ { sub(/: exact$/, ""); exact = exact ", `" $3 "`" }
    / → .*: refused for / { layout = $3; sub(/:$/, "", layout); refused = refused ", `" layout "` " $6 }
    END { printf "| `%s` | %s | %s |\n", fixture, substr(exact, 3), substr(refused, 3) }'
done
