#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs what mote is built and tested with on Debian 12 and 13. Run it as root, or as a user who has sudo.
# It installs only what is missing, so a second run is quick, needs no root and no network.
# It never changes the system's package sources. Nothing of the build belongs here: that is CMake's work.
set -eu

readonly host_packages="g++ cmake ninja-build make pkgconf libgtest-dev googletest libbenchmark-dev libcli11-dev nlohmann-json3-dev \
libfmt-dev zlib1g-dev libpng-dev libjpeg-dev libflatbuffers-dev flatbuffers-compiler libprotobuf-dev protobuf-compiler dataset-fashion-mnist gnuplot-nox"
readonly cross_packages="gcc-arm-none-eabi libnewlib-arm-none-eabi libstdc++-arm-none-eabi-newlib \
g++-aarch64-linux-gnu g++-arm-linux-gnueabihf qemu-user qemu-system-arm"
readonly debian_keyring=/usr/share/keyrings/debian-archive-keyring.gpg

usage() {
  cat <<TEXT
usage: ports/linux/setup.sh [--cross]

Installs the Debian packages for building and testing mote on this computer:
  $host_packages
and the headers of xsimd 13: Debian 13 has them as a package; on Debian 12, whose xsimd is too old, Debian 13's header
package is unpacked into the project's folder .deps/xsimd and nothing is installed.

  --cross   also what the presets aarch64, armv7, cortex-m4f and cortex-m55 need (cross compilers and QEMU, about 3 GB):
            $cross_packages
  --help    this text

Environment: MOTE_DEBIAN_MIRROR, the archive for Debian 13's xsimd (otherwise the one this system installs from).
TEXT
}

say() { printf 'setup: %s\n' "$*"; }
fail() {
  printf 'setup: %s\n' "$*" >&2
  exit 1
}

is_installed() {
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing_of() {
  for package in "$@"; do
    is_installed "$package" || printf '%s ' "$package"
  done
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  else
    sudo "$@"
  fi
}

apt_install() {
  if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null 2>&1; then
    fail "these packages are missing and installing them needs root, but this is user '$(id -un)' and there is no sudo:" \
      "$* -- run 'ports/linux/setup.sh' as root once, or ask an administrator to install them."
  fi
  say "installing: $*"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 -qq update ||
    say "could not refresh the package lists; trying with the ones that are there"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0 -qq install -y \
    --no-install-recommends "$@" </dev/null ||
    fail "apt-get could not install: $* -- its message above says why; run this script again when that is solved."
}

# Prints the major version of the xsimd headers in the folder $1, or 0.
xsimd_major() {
  version=$(sed -n 's/^#define XSIMD_VERSION_MAJOR \([0-9]*\).*/\1/p' "$1/xsimd/config/xsimd_config.hpp" 2>/dev/null || :)
  echo "${version:-0}"
}

# Major version of the libxsimd-dev that the system's own sources offer, or 0.
xsimd_offered() {
  version=$(apt-cache policy libxsimd-dev 2>/dev/null | sed -n 's/^  Candidate: \([0-9]*\)\..*/\1/p')
  echo "${version:-0}"
}

# The archive that this system installs Debian's main packages from, as apt knows it.
system_mirror() {
  apt-get indextargets --format '$(ORIGIN) $(LABEL) $(COMPONENT) $(REPO_URI)' 2>/dev/null |
    sed -n 's/^Debian Debian main //p' | head -n 1
}

# Downloads Debian 13's header package with an apt configuration of its own and unpacks it into the folder $1.
# apt checks the archive's signature against Debian's keys; the headers are the same on every architecture.
unpack_xsimd() {
  mirror=${MOTE_DEBIAN_MIRROR:-$(system_mirror)}
  [ -n "$mirror" ] || fail "apt's lists name no Debian archive: run 'apt-get update' as root, or set MOTE_DEBIAN_MIRROR to an archive, and run this script again."
  work=$1.work
  rm -rf "$work"
  mkdir -p "$work/none" "$work/lists/partial" "$work/cache/archives/partial" "$work/tree"
  : >"$work/status"
  echo "deb [arch=amd64 signed-by=$debian_keyring] $mirror trixie main" >"$work/sources.list"
  cat >"$work/apt.conf" <<CONF
APT::Architecture "amd64";
APT::Architectures { "amd64"; };
APT::Sandbox::User "";
Acquire::Languages "none";
Dir::Etc::sourcelist "$work/sources.list";
Dir::Etc::sourceparts "$work/none";
Dir::Etc::preferences "$work/none/preferences";
Dir::Etc::preferencesparts "$work/none";
Dir::State "$work";
Dir::State::lists "$work/lists";
Dir::State::status "$work/status";
Dir::Cache "$work/cache";
CONF
  say "fetching Debian 13's libxsimd-dev from $mirror into .deps/xsimd (nothing is installed)"
  (
    export APT_CONFIG="$work/apt.conf"
    cd "$work"
    apt-get -qq update && apt-get -qq download libxsimd-dev
  ) || fail "could not download libxsimd-dev of Debian 13 from $mirror -- is the network up? MOTE_DEBIAN_MIRROR can name another archive."
  dpkg -x "$work"/libxsimd-dev_*.deb "$work/tree"
  mkdir -p "$work/new/include"
  mv "$work/tree/usr/include/xsimd" "$work/new/include/"
  mv "$work/tree/usr/share/doc/libxsimd-dev/copyright" "$work/new/copyright"
  rm -rf "$1"
  mv "$work/new" "$1"
  rm -rf "$work"
}

setup_xsimd() {
  if [ "$(xsimd_major /usr/include)" -ge 13 ] || [ "$(xsimd_major /usr/local/include)" -ge 13 ]; then
    say "xsimd >= 13 is installed"
  elif [ "$(xsimd_major "$root/.deps/xsimd/include")" -ge 13 ]; then
    say "xsimd >= 13 is in .deps/xsimd"
  elif [ "$(xsimd_offered)" -ge 13 ]; then
    apt_install libxsimd-dev
  else
    # Debian 13's signing keys came to Debian 12 with an update of its keyring package.
    [ -e /usr/share/keyrings/debian-archive-trixie-stable.gpg ] || apt_install debian-archive-keyring
    mkdir -p "$root/.deps"
    unpack_xsimd "$root/.deps/xsimd"
  fi
}

packages=$host_packages
for argument in "$@"; do
  case $argument in
    --cross) packages="$packages $cross_packages" ;;
    --help | -h)
      usage
      exit 0
      ;;
    *)
      usage >&2
      fail "unknown argument '$argument'"
      ;;
  esac
done

root=$(cd "$(dirname "$0")/../.." && pwd)
command -v apt-get >/dev/null 2>&1 ||
  fail "no apt-get here: this script knows Debian 12 and 13. Elsewhere install the counterparts of: $packages, and xsimd >= 13."

# shellcheck disable=SC2086  # the lists are words
missing=$(missing_of $packages)
if [ -n "$missing" ]; then
  # shellcheck disable=SC2086
  apt_install $missing
else
  # shellcheck disable=SC2086
  say "all $(echo $packages | wc -w) packages are installed"
fi
setup_xsimd
say "done"
