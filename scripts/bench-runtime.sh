#!/bin/sh
# Times kernels and a model on one thread: bench-runtime.sh GRAFT_BENCH. All tasks take turns; the
# table gives medians of processor time, their spread, and the share of what the processor can do in
# the same run: of its peak, or of plain reading.
set -eu

bench=$1
rounds=9
out=.build/bench-runtime
rm -rf "$out"
mkdir -p "$out"
trap 'rm -rf "$out"' EXIT
model=$out/qwen3_5-432m
"$bench" make qwen3_5 scripts/bench/qwen3_5-432m.json "$model"

# task | billions of operations (of peak), or of bytes (of read), or 0
cat > "$out/tasks" <<TASKS
peak|10 GF
read 512 1|0.536870912 GB
gemm f32 512 1024 4096 1|4.294967296 GF
gemm bf16 512 1024 4096 1|4.294967296 GF
gemm f16 512 1024 4096 1|4.294967296 GF
gemm bf16 128 1024 4096 1|1.073741824 GF
gemm bf16 512 4096 1024 1|4.294967296 GF
gemm f32 1 1024 65536 1|0.268435456 GB
gemm bf16 1 1024 131072 1|0.268435456 GB
gemm bf16 1 4096 65536 1|0.536870912 GB
map tanh 65536|6.5536e-5 values
map silu 65536|6.5536e-5 values
map softplus 65536|6.5536e-5 values
m2rnn 84 64 16 2048|0
gdn 2 256 512 2048|0
gdn 32 128 128 2048|0
prefill $model 512 1|512 tokens
decode $model 16 1|16 tokens
TASKS
cut -d '|' -f 1 "$out/tasks" > "$out/round"
for _ in $(seq $((rounds + 1))); do cat "$out/round"; done | "$bench" serve > "$out/times"

# The first round makes what the tasks need and is left out.
awk -v rounds=$rounds -v tasks="$out/tasks" '
  function at(share) { return sorted[int((count - 1) * share + 0.5) + 1] }
  BEGIN {
    while ((getline line < tasks) > 0) { split(line, part, "|"); name[++n] = part[1]; work[n] = part[2] }
  }
  { row[(NR - 1) % n + 1, int((NR - 1) / n)] = $1 }
  END {
    printf "%-34s %10s %8s  %s\n", "task, one thread", "median ms", "spread", "rate"
    for (i = 1; i <= n; i++) {
      count = rounds
      for (r = 1; r <= rounds; r++) {
        value = row[i, r]
        for (j = r; j > 1 && sorted[j - 1] > value; j--) sorted[j] = sorted[j - 1]
        sorted[j] = value
      }
      median = at(0.5); split(work[i], amount, " "); rate = amount[1] / median; text = ""
      if (name[i] ~ /^peak/) peak = rate
      if (name[i] ~ /^read/) read = rate
      if (amount[2] == "GF") text = sprintf("%6.1f GFLOP/s, %.2f of peak", rate, rate / peak)
      if (amount[2] == "GB") text = sprintf("%6.2f GB/s, %.2f of read", rate, rate / read)
      if (amount[2] == "values") text = sprintf("%6.3f ns per value", 1 / rate)
      if (amount[2] == "tokens") text = sprintf("%6.1f tokens/s", rate)
      sub(/.build.bench-runtime./, "", name[i])
      printf "%-34s %10.3f %7.0f%%  %s\n", name[i], median * 1e3, (at(1) - at(0)) / median * 100, text
    }
  }' "$out/times"
