#!/usr/bin/env bash
# Brings results from the DVC remote, where one is configured. What does not come is computed, so
# nothing here is an error. DVC_CONFIG_LOCAL may hold the text of .dvc/config.local (credentials).
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
  echo "the DVC remote did not give everything: what is missing is computed"
fi
