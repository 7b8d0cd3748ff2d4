#!/bin/bash
# A search on a Slurm cluster of two nodes, which is started for it on this machine and ended after:
# an array, a task that is killed, a resubmission that runs what is missing, the next stages as
# dependent jobs, and the study that one machine gives.
#   apt-get install --no-install-recommends slurm-wlm munge
#   bash xtask/tests/slurm.sh PATH/TO/cargo-herringbone
set -eu
program=$(realpath "$1")
if ! command -v slurmctld > /dev/null || ! command -v munged > /dev/null; then
    echo "left out: Slurm is not installed (apt-get install slurm-wlm munge)"
    exit 0
fi
dir=$(mktemp -d)
export SLURM_CONF=$dir/slurm.conf
host=$(hostname -s)
mkdir -p "$dir"/{run,log,state,spool/node1,spool/node2}
chmod 755 "$dir" "$dir"/{run,log}
cat > "$SLURM_CONF" <<C
ClusterName=search
SlurmctldHost=$host(127.0.0.1)
AuthType=auth/munge
AuthInfo=socket=$dir/run/munge.socket
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
SlurmctldPort=16827
SlurmctldPidFile=$dir/run/slurmctld.pid
SlurmdPidFile=$dir/run/slurmd-%n.pid
SlurmdSpoolDir=$dir/spool/%n
StateSaveLocation=$dir/state
SlurmctldLogFile=$dir/log/slurmctld.log
SlurmdLogFile=$dir/log/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
MailProg=/bin/true
NodeName=node[1-2] NodeHostname=$host NodeAddr=127.0.0.1 Port=[17011-17012] CPUs=1 RealMemory=2000 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
C
head -c 1024 /dev/urandom > "$dir/run/munge.key"
chmod 400 "$dir/run/munge.key"
down() {
    for name in slurmd-node1 slurmd-node2 slurmctld munged; do
        if [ -e "$dir/run/$name.pid" ]; then kill "$(cat "$dir/run/$name.pid")" 2> /dev/null || true; fi
    done
}
trap down EXIT
munged --force --key-file="$dir/run/munge.key" --socket="$dir/run/munge.socket" \
    --pid-file="$dir/run/munged.pid" --log-file="$dir/log/munged.log" --seed-file="$dir/run/munged.seed"
slurmctld -c -f "$SLURM_CONF"
slurmd -N node1 -f "$SLURM_CONF"
slurmd -N node2 -f "$SLURM_CONF"
for _ in $(seq 100); do
    if sinfo -h -o '%T %D' 2> /dev/null | grep -q '^idle 2'; then break; fi
    sleep 0.1
done
sinfo

cd "$dir"
mkdir -p package
cd package
cat > main.rs <<'R'
herringbone::network! {
    pub Tiny: [8, 8, 1] => < C1(4,3), M, D*(2) >,
    target: atmega328p,
    weights: "tiny.safetensors",
}
R
cat > space.toml <<'T'
lists = ["C; M", "C; C; M"]
[sets]
C = ["C1({2,3,4,6,8},{1,3})", "T(3)"]
T
# Which half is bright: 96 examples of 64 columns and a class.
awk 'BEGIN {
    srand(1); printf "label"; for (i = 0; i < 64; i++) printf ",p%d", i; print ""
    for (n = 0; n < 192; n++) {
        c = n % 2; printf "%s", c ? "right" : "left"
        for (i = 0; i < 64; i++) printf ",%d", int(60 * rand() + ((i % 8 >= 4) == c) * 150)
        print ""
    }
}' > data.csv
search="$program herringbone search main.rs --data data.csv --space space.toml --trials 7 --steps 8
    --rungs 1,2 --batch 3 --finalists 2 --seeds 2 --final-epochs 4"
$search --study here > /dev/null
$search --study there --plan-only
"$program" herringbone search script slurm there --workers 3 --megabytes 500 --minutes 10 > submit.sh

# A task that is killed: its trials have no results, the stage is submitted again.
first=$(sbatch --parsable --array=0-2 --output=/dev/null --requeue \
    --wrap "$program search run $PWD/there --index \$SLURM_ARRAY_TASK_ID --stride 3")
scancel "${first}_1"
while [ -n "$(squeue -h -j "$first" 2> /dev/null)" ]; do sleep 0.2; done
sbatch submit.sh
for _ in $(seq 600); do
    if [ -e there/results.json ]; then break; fi
    sleep 0.5
done
if ! [ -e there/results.json ]; then
    echo "the study did not end"
    tail -n 5 search-*.log
    exit 1
fi

for plan in here/stages/*/plan.jsonl; do
    cmp "$plan" "there/${plan#here/}"
done
if ! [ -e there/winner/tiny.safetensors ]; then sleep 5; fi
cmp here/winner/tiny.safetensors there/winner/tiny.safetensors
echo "the same study, by $(ls -d here/stages/* | wc -l) stages, and the same winner"
