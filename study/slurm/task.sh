#!/bin/bash
# One task of a matrix on SLURM: clone the commit to the node's own disk, run one experiment with
# `dvc exp run`, push its ref and remove the clone. `python -m study.matrix --runner slurm` submits it.
#
#   sbatch --array=0-7%4 task.sh FOLDER WAVE
#
# FOLDER is the folder of the submission (study/slurm/submission.py). Line SLURM_ARRAY_TASK_ID + 1 of
# FOLDER/WAVE.tsv has the arguments of `dvc exp run`. Only the wave `experiments` pushes refs; the
# results of the other waves stay in the shared cache.
set -eo pipefail
folder=$1 wave=$2
source "$folder/settings.sh"
export PATH="$environment/bin:$PATH"
set -u

IFS=$'\t' read -r -a arguments < <(sed -n "$((SLURM_ARRAY_TASK_ID + 1))p" "$folder/$wave.tsv")
name=${arguments[1]}
ref="refs/exps/${commit:0:2}/${commit:2}/$name"
exists() { git ls-remote --exit-code "$repository" "$ref" >/dev/null; }

echo "task $SLURM_ARRAY_JOB_ID/$SLURM_ARRAY_TASK_ID on ${SLURMD_NODENAME:-$(hostname -s)}, attempt $((${SLURM_RESTART_COUNT:-0} + 1)): $name"
if [ "$wave" = experiments ] && exists; then
  echo "$name exists already"
  exit 0
fi

# Removes what an earlier attempt of this task may have left on this node.
clone="$scratch/vocalseg-$SLURM_ARRAY_JOB_ID-$SLURM_ARRAY_TASK_ID"
rm -rf "$clone"
trap 'rm -rf "$clone"' EXIT
trap 'exit 143' TERM
mkdir -p "$scratch"
git clone --quiet --no-local --depth 1 --branch "$branch" "$repository" "$clone"
cd "$clone/$prefix"
git config user.name "$author"
git config user.email "$email"

# DVC's locks and indexes stay in the clone; all jobs and users of a group share the cache.
cat > .dvc/config.local <<END
[core]
    site_cache_dir = "$clone/.git/site-cache"
[cache]
    dir = "$cache"
    shared = group
END
mkdir -p "$cache" "$trainings"
export VOCALSEG_TRAININGS="$trainings"  # epoch backups, so that any node can resume a training

python -m stages.inputs
if ! git diff --quiet -- inputs; then
  git diff --stat -- inputs
  echo "this node's libraries or songs differ from those of the commit (inputs/); fix the environment"
  exit 1
fi

dvc exp run "${arguments[@]}"

if [ "$wave" = experiments ]; then
  for attempt in 1 2 3 4 5; do
    git push --quiet "$repository" "$ref:$ref" && break
    if exists; then break; fi  # another submission has pushed the same experiment
    if [ "$attempt" = 5 ]; then echo "$name: cannot push to $repository"; exit 1; fi
    sleep $((RANDOM % 10 + attempt * 5))
  done
  echo "$name is finished"
fi
