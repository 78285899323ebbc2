#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs the job array of packaging/slurm under a real slurmctld and slurmd of this machine, one node with four tasks, and
# prints what happened to each task: slurm-test.sh GRAFT. Needs root and the Debian packages slurm-wlm and munge.
set -eu
graft=$(realpath "$1")
cd "$(dirname "$0")/.."
packaging=$PWD/packaging/slurm source=$PWD/fixtures/huggingface/qwen3_next/bf16
for tool in slurmctld slurmd munged; do
  command -v "$tool" > /dev/null || { echo "needs $tool: apt-get install slurm-wlm munge" >&2; exit 69; }
done
[ "$(id -u)" = 0 ] || { echo "needs root, as slurmd does" >&2; exit 69; }

folder=$(mktemp -d -t graft-slurm.XXXXXX)
chmod 755 "$folder"
cd "$folder"
daemons=()
stop() {
  [ "$1" = 0 ] || tail -n 5 ./*.log >&2
  for daemon in "${daemons[@]}"; do kill "$daemon" 2> /dev/null || true; done
  wait
  rm -rf "$folder"
}
trap 'stop $?' EXIT

# A cluster of one node.
export SLURM_CONF=$folder/slurm.conf
port=$((20000 + RANDOM % 10000))
cat > slurm.conf << END
ClusterName=graft
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthInfo=socket=$folder/munge.socket
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldPort=$port
SlurmdPort=$((port + 1))
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=1,requeue_delay=1
SlurmdParameters=config_overrides
ReturnToService=2
KillWait=2
NodeName=node NodeHostname=$(hostname -s) NodeAddr=127.0.0.1 CPUs=4 RealMemory=16384
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE
END
mkdir state spool
head -c 1024 /dev/urandom > munge.key
chmod 600 munge.key
munged --force --foreground --key-file="$folder/munge.key" --socket="$folder/munge.socket" --pid-file="$folder/munge.pid" \
  --log-file="$folder/munged.log" --seed-file="$folder/munge.seed" > munged.out 2>&1 &
daemons+=($!)
slurmctld -D > slurmctld.log 2>&1 &
daemons+=($!)
slurmd -D -N node > slurmd.log 2>&1 &
daemons+=($!)
for _ in $(seq 100); do sinfo -h -o %T 2> /dev/null | grep -q idle && break; sleep 0.2; done
echo "$(sinfo --version): one node with four processors"

# In the place of graft: notes each run, and ends some in the middle as a machine would.
cat > graft << END
#!/bin/bash
part=\$(grep -oE -- '(part [0-9]+/[0-9]+|finish)' <<< "\$*")
destination=\$3
number=\$(tr -dc '0-9/' <<< "\$part")
journal=\$destination.graft-partial/journal-\${number/\//-of-}.jsonl
number=\${number%/*}
finished() { local lines; lines=\$(cat "\$journal" 2> /dev/null | wc -l); echo \$((lines > 1 ? lines - 1 : 0)); }
note() { echo "\$(basename "\$destination") \$part, attempt \$((\${SLURM_RESTART_COUNT:-0} + 1)): \$*" >> "$folder/events"; }
note "starts with \$(finished) finished files"
"$graft" "\$@" -j 1 2> "error.\$\$" &
process=\$!
trap 'kill \$process; note "told to stop with \$(finished) finished files"' TERM
if [ -e "$folder/kill-\$number" ]; then
  while [ "\$(finished)" -lt 2 ] && kill -0 "\$process"; do :; done
  case \$(cat "$folder/kill-\$number") in
    KILL) kill -KILL "\$process" ;;
    LIMIT) kill -STOP "\$process"; rm "$folder/kill-\$number"
      scancel --batch --signal=USR1 "\${SLURM_ARRAY_JOB_ID}_\$SLURM_ARRAY_TASK_ID"; sleep 2; kill -CONT "\$process" ;;
    CANCEL) kill -STOP "\$process"; rm "$folder/kill-\$number"
      note "cancelled with \$(finished) finished files"
      scancel --full "\${SLURM_ARRAY_JOB_ID}_\$SLURM_ARRAY_TASK_ID"; sleep 9 ;;
  esac
  rm -f "$folder/kill-\$number"
fi
wait "\$process"
code=\$?
if [ "\$code" -gt 128 ]; then note "killed by signal \$((code - 128)) with \$(finished) finished files"
else note "exit \$code\$(sed -n '1s/^graft convert:/:/p; s/^- /: /p; s/^  to do  */; to do: /p' "error.\$\$" | tr -d '\n')"; fi
cat "error.\$\$" >&2
exit "\$code"
END
chmod +x graft
export GRAFT=$folder/graft SBATCH_OPTIONS="--cpus-per-task=1 --mem=100M"
options=(--to qwen3_5_moe --max-shard-size 20KB)

# Waits until nothing is in the queue and tells what was noted.
report() {
  while [ -n "$(squeue -h)" ]; do sleep 0.5; done
  (grep -v " finish," events | sort -s -t, -k1,1; grep " finish," events) | sed "s|^|  |; s|$folder/||g"
  rm events
}
complete() {
  [ -d "$1" ] || { echo "  $1 did not appear" >&2; exit 1; }
  "$graft" diff "$source" "$1" > diff.log
  echo "  $1 is complete, and the same model as its source"
}
single() { sbatch --parsable $SBATCH_OPTIONS "$@"; }

echo "Four parts; 2 is killed, 3 comes near its time limit:"
echo KILL > kill-2
echo LIMIT > kill-3
"$packaging/submit.sh" 4 "$source" "$folder/one" "${options[@]}" > submit.log
report
complete one

echo "Three tasks of four parts, one of them cancelled; then what --finish names:"
echo CANCEL > kill-2
array=$(single --array=1-3 "$packaging/graft-parts.sbatch" 4 "$source" "$folder/two" "${options[@]}")
single --dependency="afterany:$array" "$packaging/graft-finish.sbatch" "$source" "$folder/two" "${options[@]}" > submit.log
report
array=$(single --array=2,4 "$packaging/graft-parts.sbatch" 4 "$source" "$folder/two" "${options[@]}")
single --dependency="afterany:$array" "$packaging/graft-finish.sbatch" "$source" "$folder/two" "${options[@]}" > submit.log
report
complete two

echo "Two arrays on one destination, with other options and with another number of parts:"
array=$(single --array=1-2 "$packaging/graft-parts.sbatch" 2 "$source" "$folder/three" "${options[@]}")
other=$(single --dependency="afterany:$array" --array=1-2 "$packaging/graft-parts.sbatch" 2 "$source" "$folder/three" --to qwen3_5_moe)
third=$(single --dependency="afterany:$other" --array=1-3 "$packaging/graft-parts.sbatch" 3 "$source" "$folder/three" "${options[@]}")
single --dependency="afterany:$third" "$packaging/graft-finish.sbatch" "$source" "$folder/three" "${options[@]}" > submit.log
report
complete three
