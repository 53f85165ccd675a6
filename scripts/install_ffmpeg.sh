#!/usr/bin/env bash
# Install ffmpeg, which decodes stem files, with the system's package manager unless it exists.
set -eu
command -v ffmpeg >/dev/null && command -v ffprobe >/dev/null && exit 0

as_root=""
if [ "$(id -u)" != 0 ] && command -v sudo >/dev/null && sudo -n true 2>/dev/null; then as_root="sudo"; fi

if command -v brew >/dev/null; then
  brew install --quiet ffmpeg
elif [ "$(id -u)" = 0 ] || [ -n "$as_root" ]; then
  if command -v apt-get >/dev/null; then
    $as_root apt-get update -qq && $as_root apt-get install -y -qq ffmpeg >/dev/null
  elif command -v dnf >/dev/null; then
    $as_root dnf install -y -q ffmpeg-free
  elif command -v pacman >/dev/null; then
    $as_root pacman -S --noconfirm --quiet ffmpeg
  elif command -v apk >/dev/null; then
    $as_root apk add --quiet ffmpeg
  fi
fi

if ! command -v ffmpeg >/dev/null; then
  echo "ffmpeg: not found and could not be installed; install it (for instance: sudo apt install ffmpeg) and run make again" >&2
  exit 1
fi
