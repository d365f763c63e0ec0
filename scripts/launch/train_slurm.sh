#!/bin/bash
# Train one run on a Slurm cluster: one task for each GPU, on any number of nodes.
#
#   sbatch --nodes=2 scripts/launch/train_slurm.sh --config=seq2seq --workdir=/shared/run
#
# The tasks find each other by Slurm's variables; jax gives each the GPU of its number
# on its node, so that a task must see all GPUs of the node (no --gpus-per-task). Without
# GPUs, remove the line of the GPUs and request one task per node. --workdir must name a
# folder that all nodes can access. Activate mirjax's environment before sbatch.
#
# Two minutes before the time limit the run is saved and the job is queued again, also
# when a node fails; the run continues from its last checkpoint.
#SBATCH --job-name=mirjax-train
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=4
#SBATCH --gpus-per-node=4
#SBATCH --cpus-per-task=4
#SBATCH --time=12:00:00
#SBATCH --signal=TERM@120
#SBATCH --requeue
#SBATCH --open-mode=append
set -uo pipefail

# When a process dies, the others end by themselves, with a message.
srun --kill-on-bad-exit=0 --wait=120 python -m mirjax.train "$@"
code=$?
if ((code == 143)); then
  scontrol requeue "$SLURM_JOB_ID"
fi
exit $code
