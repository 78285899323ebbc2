#!/bin/sh
# Makes a Debian package of a binary that needs no shared libraries.
# usage: deb.sh path/to/graft FOLDER-WITH-share OUTPUT-FOLDER
set -eu
binary=$1 share=$2 output=$3

version=$("$binary" --version | cut -d ' ' -f 1)
machine=$(dpkg --print-architecture)
maintainer="The Graft authors <graft@localhost>"
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT

install -D -m 755 "$binary" "$tree/usr/bin/graft"
mkdir -p "$tree/usr/share/doc/graft" "$tree/DEBIAN"
cp -R "$share" "$tree/usr/"
find "$tree/usr/share/man" -type f -name '*.[0-9]' -exec gzip -9n {} +
cp -R recipes "$tree/usr/share/doc/graft/"
cp README.md CHANGELOG.md "$tree/usr/share/doc/graft/"
cp packaging/copyright "$tree/usr/share/doc/graft/"
gzip -9n > "$tree/usr/share/doc/graft/changelog.gz" << CHANGES
graft ($version) unstable; urgency=medium

  * CHANGELOG.md in this folder says what has changed.

 -- $maintainer  $(date -R)
CHANGES
# Where zsh of Debian looks.
mkdir "$tree/usr/share/zsh/vendor-completions"
mv "$tree/usr/share/zsh/site-functions/_graft" "$tree/usr/share/zsh/vendor-completions/"
rmdir "$tree/usr/share/zsh/site-functions"
find "$tree" -type d -exec chmod 755 {} + && find "$tree/usr/share" -type f -exec chmod 644 {} +

cat > "$tree/DEBIAN/control" <<CONTROL
Package: graft
Version: $version
Architecture: $machine
Maintainer: $maintainer
Section: science
Priority: optional
Installed-Size: $(du -sk "$tree/usr" | cut -f 1)
Description: checkpoints of Gated DeltaNet hybrid language models
 Reads, converts, edits and verifies checkpoints of language models that mix
 Gated DeltaNet layers with attention, and replaces such layers by M2RNN layers.
CONTROL

file="$output/graft_${version}_$machine.deb"
dpkg-deb --root-owner-group --build "$tree" "$file" > /dev/null
echo "$file"
