#!/bin/sh
# Checks that every Swift file imports only those modules of the package, and products of its
# dependencies, that Package.swift declares for its target.
#
# SwiftPM's --explicit-target-dependency-import-check skips a target with generated sources
# (Layouts) and everything that depends on it; this check covers all targets.
set -eu

# One line per target: its folder, its name, then the modules it may import.
targets() {
  swift package describe | awk '
    /^    Name: /         { name = $2; path = ""; allowed = " " }
    /^    Path: /         { path = $2 }
    /^    [A-Z]/          { section = $0 }
    /^        [A-Za-z0-9_-]+$/ && section ~ /(Target|Product) dependencies:/ { allowed = allowed $1 " " }
    /^$/ && path != ""    { print path, name, allowed; path = "" }
    END                   { if (path != "") print path, name, allowed }'
}

list=$(targets)
[ -n "$list" ] || { echo "check-imports: swift package describe lists no targets" >&2; exit 1; }

# All names that a target may have to declare: the targets and every product used.
known=" $(echo "$list" | cut -d ' ' -f 2- | tr ' ' '\n' | sort -u | tr '\n' ' ')"

found=$(echo "$list" | while read -r path name allowed; do
  find "$path" -name '*.swift' -exec awk -v name="$name" -v known="$known" -v allowed=" $allowed " '
    /^[ \t]*((@[A-Za-z_]+(\([A-Za-z]*\))?|public|package|internal|fileprivate|private)[ \t]+)*import[ \t]/ {
      line = $0
      sub(/^.*import[ \t]+((struct|class|enum|protocol|typealias|func|let|var)[ \t]+)?/, "", line)
      split(line, part, /[^A-Za-z0-9_]/)
      module = part[1]
      if (module != name && index(known, " " module " ") && !index(allowed, " " module " "))
        print FILENAME ":" FNR ": " name " imports " module ", which Package.swift does not declare for it"
    }' {} +
done)

if [ -n "$found" ]; then
  echo "$found" >&2
  exit 1
fi
