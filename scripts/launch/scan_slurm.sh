#!/bin/bash
# Scan on a Slurm cluster: one job of a Dask scheduler, its workers, and the scan.
#
#   sbatch --ntasks=64 scripts/launch/scan_slurm.sh --targets=utrs.fa --out=sites.tsv
#
# Each task but the first is a worker with its own processor cores. If Slurm ends a
# worker, only its slice is scanned again. Submit the same command again after a time
# limit: finished parts are not scanned again. Needs mirjax[cluster] where the job runs
# (activate its environment before sbatch), and a folder that all nodes can access for the
# scheduler file.
#SBATCH --job-name=mirjax-scan
#SBATCH --ntasks=16
#SBATCH --cpus-per-task=2
#SBATCH --mem-per-cpu=4G
#SBATCH --time=12:00:00
#SBATCH --no-kill
set -euo pipefail

folder=${SCHEDULER_FOLDER:-$PWD}
scheduler_file=$folder/mirjax-scheduler-$SLURM_JOB_ID.json
trap 'kill $(jobs -p) 2>/dev/null || true; rm -f "$scheduler_file"' EXIT

dask scheduler --scheduler-file="$scheduler_file" &
until [[ -s $scheduler_file ]]; do
  kill -0 $! # ends the job if the scheduler has ended
  sleep 1
done

# A worker that is killed is started again by its nanny.
srun --ntasks=$((SLURM_NTASKS - 1)) --kill-on-bad-exit=0 \
  dask worker --scheduler-file="$scheduler_file" --nthreads=1 &

python -m mirjax.scan --dask="$scheduler_file" --resume "$@"
