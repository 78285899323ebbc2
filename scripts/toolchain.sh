#!/bin/sh
# Says in one sentence what is wrong where Swift is missing or too old.
set -eu

get="get Swift 6.2 or newer from https://www.swift.org/install and put it on PATH"

if ! command -v swift >/dev/null; then
  echo "graft: there is no swift command; $get" >&2
  exit 1
fi

version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -n 1)
major=${version%%.*}
minor=${version#*.}
if [ -n "$version" ] && [ $((major * 100 + minor)) -lt 602 ]; then
  echo "graft: swift is version $version, which is too old; $get" >&2
  exit 1
fi
