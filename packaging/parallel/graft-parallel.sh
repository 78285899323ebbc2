#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Converts a checkpoint with GNU parallel, here or on several machines that share the file system:
#   graft-parallel.sh PARTS SOURCE DESTINATION [OPTIONS of graft convert]
# PARALLEL_OPTIONS holds options of parallel, such as "--sshloginfile nodes --workdir .". A part that is killed is tried
# three times and goes on behind the files that are finished.
set -eu
if [ $# -lt 3 ]; then
  sed -n '3,4s/^# //p' "$0" >&2
  exit 64
fi
parts=$1 source=$2 destination=$3
shift 3
graft=${GRAFT:-graft}
# shellcheck disable=SC2086 # several options
seq "$parts" | parallel --retries 3 --joblog "$destination.graft-parallel.log" ${PARALLEL_OPTIONS:-} \
  "$graft" convert "$source" "$destination" --part "{}/$parts" --quiet "$@" || true
# Says which parts to run again where one has failed.
"$graft" convert "$source" "$destination" --finish --quiet "$@"
rm -f "$destination.graft-parallel.log"
