#!/usr/bin/env bash
# Gives every reader, or those named, inputs made from the fixtures for some seconds of processor
# time each, however busy the machine is.
# usage: fuzz.sh path/to/graft-fuzz SECONDS [READER…]
#
# Inputs that reached something new are kept in .build/fuzz/corpus, those that ended the process in
# .build/fuzz/found; the exit code is 1 if there are any of these.
set -euo pipefail
fuzzer=$(realpath "$1")
seconds=$2
shift 2
cd "$(dirname "${BASH_SOURCE[0]}")/.."
readers=("$@")
[ ${#readers[@]} -gt 0 ] || mapfile -t readers < <("$fuzzer" --list)

work=.build/fuzz
largest=65536

# The fixtures that a reader may begin with, one per line.
seeds() {
  case $1 in
    safetensors) find fixtures -name '*.safetensors' -size -64k ;;
    index) find fixtures -name '*.index.json' ;;
    json) find fixtures formats -name '*.json' -size -32k ;;
    config) find fixtures -name config.json ;;
    formats) find formats -name '*.json' ;;
    recipe) find recipes -name '*.yaml' ;;
    tokenizer) find fixtures/tokenizers fixtures/gguf -name tokenizer.json ;;
    ranked) find fixtures/tokenizers -name tiktoken.model ;;
    zip | torch) find fixtures/containers -name '*.pt' -o -name '*.npz' ;;
    npz) find fixtures/containers -name '*.npz' ;;
    gguf) find fixtures/gguf -name '*.gguf' ;;
    distributed) find fixtures/containers/dcp -name .metadata ;;
    common) find fixtures -name common.pt ;;
    run-config) find fixtures recipes -name '*.yaml' ;;
    tokens | pickle | blocks | mlx | awq | gptq | bitsandbytes | modelopt | compressed-tensors) ;;
  esac
}

# Seeds that are parts of fixtures or that nobody keeps as a file.
made() {
  case $1 in
    # The header alone, which stays valid whatever its length becomes.
    safetensors)
      for file in $(find fixtures -name '*.safetensors' | head -n 40); do
        length=$(od -An -t u8 -N 8 "$file" | tr -d ' ')
        head -c $((8 + length)) "$file" | tail -c "$length" > "$2/header-$(cksum <<< "$file" | cut -d ' ' -f 1)"
      done ;;
    gguf)
      for file in fixtures/gguf/*.gguf; do head -c "$largest" "$file" > "$2/$(basename "$file")-start"; done ;;
    # The first byte chooses the type, the second where reading begins.
    blocks)
      for type in $(seq 0 24); do
        { printf "\\x$(printf %x "$type")A"; tail -c 2048 fixtures/gguf/blocks.gguf; } > "$2/type-$type"
      done ;;
    # What the config says in one line, then the parts.
    mlx | awq | gptq | bitsandbytes | modelopt | compressed-tensors)
      grep "\"method\": \"$1\"" fixtures/packed/cases.json | while read -r line; do
        name=$(sed -E 's/^[^"]*"name": "([^"]*)".*/\1/' <<< "$line")
        { sed -E 's/.*"claim": (.*), "weights".*/\1/' <<< "$line"
          cat "fixtures/packed/$name.safetensors"; } > "$2/$name"
      done ;;
    # What follows the magic number, 15 bytes into the file.
    pickle)
      for file in fixtures/containers/torch/legacy-*.pt; do tail -c +16 "$file" > "$2/$(basename "$file")"; done ;;
    run-config)
      printf 'model:\n  _target_: a.B\n  f: &id001\n    _call_: false\n    _target_: torch.float32\n  g: *id001\n  l:\n  - 1\n  - 0\n  t: "a\\n"\n' \
        > "$2/dump" ;;
    # The first byte chooses the kind: @ .json, A .txt, B .safetensors, C bytes.
    tokens)
      printf '@[1, 2, 3]' > "$2/list"
      printf '@{"input_ids": [[1, 2], [3]], "labels": [[0, 0], [1]]}' > "$2/object"
      printf 'A1 2\n3' > "$2/text"
      printf 'Cabc' > "$2/bytes"
      file=fixtures/options/moe-single/reference.safetensors
      { printf 'B'; cat "$file"; } > "$2/reference" ;;
  esac
}

prepare() {
  rm -rf "$work/seeds/$1"
  mkdir -p "$work/seeds/$1" "$work/corpus/$1" "$work/found"
  seeds "$1" | while read -r file; do cp "$file" "$work/seeds/$1/$(echo "$file" | tr / _)"; done
  made "$1" "$work/seeds/$1"
  # Words of the text fixtures, which mutations put together.
  case $1 in
    index | json | config | formats | tokens | tokenizer | safetensors \
      | mlx | awq | gptq | bitsandbytes | modelopt | compressed-tensors)
      cat "$work/seeds/$1"/* | grep -aoE '"[a-zA-Z0-9_.{}-]{2,40}"' | sort | uniq -c | sort -rn |
        awk 'NR <= 400 { gsub(/"/, "", $2); print "\"\\\"" $2 "\\\"\"" }' > "$work/seeds/$1.words"
      printf '"%s"\n' 1000000000 9223372036854775807 18446744073709551616 -1 null true 1e308 1.5 0 1048576 \
        >> "$work/seeds/$1.words" ;;
    run-config)
      printf '"%s"\n' 'model:' '- ' '_target_: ' '_call_: false' '_args_:' '&id001' '*id001' '\x0a' '  ' '[' '{' '\"' "'" \
        'null' '!!python/object' '|' > "$work/seeds/$1.words" ;;
    ranked) printf '"%s"\n' '\x0a' ' ' '==' 'QQ== 0' ' 600' '9223372036854775807' '-1' '\x0d' > "$work/seeds/$1.words" ;;
    recipe) printf '"%s"\n' 'splice:' '- ' 'layers: [0, 1]' 'init: zero' '\x0a' '  ' '[' '\"' '#' '---' > "$work/seeds/$1.words" ;;
    *) echo '"PK\x05\x06"' > "$work/seeds/$1.words" ;;
  esac
}

# Lets a process have that much processor time, then asks it to end; says how much it had.
watch() {
  local used=0 now asked=
  while now=$(ps -o cputimes= -p "$1"); do
    used=$((now))
    if [ -z "$asked" ] && [ "$used" -ge "$seconds" ]; then
      asked=yes
      kill -USR1 "$1" 2> /dev/null || true
    fi
    sleep 1
  done
  echo "processor time: $used s"
}

# Token files are written for every input, which a disk would slow down.
folder=/tmp
[ ! -w /dev/shm ] || folder=/dev/shm

status=0
for reader in "${readers[@]}"; do
  prepare "$reader"
  temporary=$(mktemp -d -p "$folder")
  echo "== $reader"
  code=0
  TMPDIR=$temporary SWIFT_BACKTRACE=enable=no ASAN_OPTIONS=detect_leaks=0 \
    "$fuzzer" "$reader" -max_len="$largest" -timeout=60 \
    -rss_limit_mb=4096 -malloc_limit_mb=1024 -dict="$work/seeds/$reader.words" -verbosity=0 \
    -print_final_stats=1 -artifact_prefix="$work/found/$reader-" \
    "$work/corpus/$reader" "$work/seeds/$reader" < /dev/null > "$work/$reader.log" 2>&1 &
  watch $! | tee "$work/$reader.time"
  wait $! || code=$?
  grep -E 'ERROR|Fatal error|stat::|SUMMARY|found/' "$work/$reader.log" || true
  [ $code -eq 0 ] || status=1
  rm -rf "$temporary"
done
exit $status
