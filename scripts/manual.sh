#!/bin/sh
# Makes manual pages and shell completions: manual.sh GRAFT GENERATE-MANUAL DIR.
#
# GENERATE-MANUAL is the tool of swift-argument-parser. Its pages are named graft.verb.1; git's way,
# graft-verb.1, is what man finds.
set -eu

graft=$1
generator=$2
out=$3

rm -rf "$out"
mkdir -p "$out/man/man1" "$out/bash-completion/completions" "$out/zsh/site-functions" \
  "$out/fish/vendor_completions.d"

date=$(git log -1 --format=%cs 2>/dev/null || date +%Y-%m-%d)
"$generator" "$graft" --multi-page --date "$date" --output-directory "$out/man/man1"
rm -f "$out/man/man1/graft.help.1"
for page in "$out"/man/man1/graft.*.1; do
  verb=$(basename "$page" .1 | cut -d . -f 2)
  sed -e 's/^\.Dt GRAFT\./.Dt GRAFT-/' -e 's/^\.Xr graft\./.Xr graft-/' \
    -e "s/^\.Nm \"graft $verb\"/.Nm graft-$verb/" -e "s/^\.Nm\$/.Nm graft $verb/" -e 's/^$/.Pp/' \
    "$page" > "$out/man/man1/graft-$verb.1"
  rm "$page"
done
sed -i.old -e '/^\.Xr graft\.help /d' -e 's/^\.Xr graft\./.Xr graft-/' "$out/man/man1/graft.1"
rm "$out/man/man1/graft.1.old"

# It is read, not run, so that it needs no first line.
"$graft" --generate-completion-script bash | sed '1{/^#!/d;}' > "$out/bash-completion/completions/graft"
"$graft" --generate-completion-script zsh > "$out/zsh/site-functions/_graft"
"$graft" --generate-completion-script fish > "$out/fish/vendor_completions.d/graft.fish"
