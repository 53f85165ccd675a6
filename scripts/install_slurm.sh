#!/usr/bin/env bash
# Tests of the runner for clusters start SLURM's own daemons; where they are missing, apt installs them.
set -eu
export PATH="$PATH:/usr/sbin"
command -v slurmctld >/dev/null && command -v slurmd >/dev/null && command -v sbatch >/dev/null && exit 0

as_root=""
if [ "$(id -u)" != 0 ]; then as_root="sudo -n"; fi
if command -v apt-get >/dev/null; then
  $as_root apt-get update -qq && $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends slurm-wlm >/dev/null || true
fi

if ! command -v slurmctld >/dev/null; then
  echo "slurm: not found and could not be installed; install it (for instance: sudo apt install slurm-wlm)" >&2
  exit 1
fi
