#!/usr/bin/env bash
# Pull results from the DVC remote, if one is configured. Missing results are computed later, so this
# script does not fail. DVC_CONFIG_LOCAL may hold the content of .dvc/config.local (credentials).
set -eu

if [ -n "${DVC_CONFIG_LOCAL:-}" ]; then
  if [ -e .dvc/config.local ]; then
    echo ".dvc/config.local: exists; DVC_CONFIG_LOCAL is not used"
  else
    trap 'rm -f .dvc/config.local' EXIT
    (umask 077; printf '%s\n' "$DVC_CONFIG_LOCAL" > .dvc/config.local)
  fi
fi

if [ -z "$(dvc remote list)" ]; then
  echo "no DVC remote is configured: nothing to pull"
elif ! dvc pull --run-cache </dev/null; then
  echo "the DVC remote does not have all results; missing ones will be computed"
fi
