#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Converts a checkpoint with a Slurm job array and completes it when the array has ended:
#   submit.sh PARTS SOURCE DESTINATION [OPTIONS of graft convert]
# SBATCH_OPTIONS holds options of sbatch for both jobs, such as a partition.
set -eu
if [ $# -lt 3 ]; then
  sed -n '3,5s/^# //p' "$0" >&2
  exit 64
fi
folder=$(cd "$(dirname "$0")" && pwd)
parts=$1
shift
# shellcheck disable=SC2086 # several options
array=$(sbatch --parsable ${SBATCH_OPTIONS:-} --array="1-$parts" "$folder/graft-parts.sbatch" "$parts" "$@")
# shellcheck disable=SC2086
finish=$(sbatch --parsable ${SBATCH_OPTIONS:-} --dependency="afterany:$array" "$folder/graft-finish.sbatch" "$@")
echo "$array writes $parts parts, $finish finishes"
