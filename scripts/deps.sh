#!/bin/sh
# Installs the headers of zlib and json-c where they are missing.
set -eu

# has PKG_CONFIG_NAME DEBIAN_PACKAGE: whether the headers of a library are there.
has() {
  pkg-config --exists "$1" 2>/dev/null && return 0
  dpkg -s "$2" 2>/dev/null | grep -q '^Status: .* installed$'
}

missing=
has zlib zlib1g-dev || missing="libz-dev"
has json-c libjson-c-dev || missing="$missing libjson-c-dev"
[ -n "$missing" ] || exit 0
missing=$(echo $missing)

if ! command -v apt-get >/dev/null; then
  echo "graft: the build needs the headers of zlib and json-c, and there is no apt-get here." >&2
  echo "Install them another way: zlib-devel json-c-devel (Fedora, RHEL), zlib json-c (Arch, Homebrew)," >&2
  echo "zlib-dev json-c-dev (Alpine); then run make again." >&2
  exit 1
fi

sudo=
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "graft: run this as root, then run make again: apt-get install $missing" >&2
    exit 1
  fi
  sudo=sudo
fi

echo "installing $missing"
# Package lists are fetched only where the packages cannot be installed without.
apt-get install --simulate $missing >/dev/null 2>&1 || $sudo apt-get update
$sudo apt-get install -y --no-install-recommends $missing
