#!/usr/bin/env bash
# Install Chromium with apt unless a browser exists; tests open the listening page in it.
set -eu
for name in chromium chromium-browser google-chrome; do
  if command -v "$name" >/dev/null; then exit 0; fi
done

as_root=""
if [ "$(id -u)" != 0 ]; then as_root="sudo -n"; fi
if command -v apt-get >/dev/null; then
  $as_root apt-get update -qq && $as_root apt-get install -y -qq --no-install-recommends chromium >/dev/null || true
fi

if ! command -v chromium >/dev/null; then
  echo "chromium: not found and could not be installed; install it (for instance: sudo apt install chromium)" >&2
  exit 1
fi
