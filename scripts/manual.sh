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

# The page of the tool lists the verbs, each with what its own page says it does.
verbs=$out/verbs
{
  echo '.Sh COMMANDS'
  echo '.Bl -tag -width 12n'
  for page in "$out"/man/man1/graft-*.1; do
    verb=$(basename "$page" .1 | cut -d - -f 2)
    printf '.It Nm graft %s\n%s\n' "$verb" "$(sed -n 's/^\.Nd "\{0,1\}\(.*[^"]\)"\{0,1\}$/\1/p' "$page")"
  done
  echo '.El'
} > "$verbs"
sed -e '/^\.Xr graft\.help /d' -e 's/^\.Xr graft\./.Xr graft-/' "$out/man/man1/graft.1" |
  awk -v verbs="$verbs" '/^\.Sh "EXIT STATUS"/ { while ((getline line < verbs) > 0) print line } { print }' \
    > "$out/graft.1"
mv "$out/graft.1" "$out/man/man1/graft.1"
rm "$verbs"

# It is read, not run, so that it needs no first line.
"$graft" --generate-completion-script bash | sed '1{/^#!/d;}' > "$out/bash-completion/completions/graft"
"$graft" --generate-completion-script zsh > "$out/zsh/site-functions/_graft"
"$graft" --generate-completion-script fish > "$out/fish/vendor_completions.d/graft.fish"
