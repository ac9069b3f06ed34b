#!/bin/sh
# order.sh COMPONENTS TREE : the components of a tree, one a line, each after those that its component.yaml says it `needs`.
# Reads the one-line form that the component files of this repository use: needs: [a, b].
set -eu
for dir in "$2"/*/; do
    name=$(basename "$dir")
    case $name in 00-*) continue ;; esac
    echo "$name $name"
    file=$1/$name/component.yaml
    [ -f "$file" ] || continue
    for need in $(sed -n 's/^needs: *\[\(.*\)\] *$/\1/p' "$file" | tr ',' ' '); do
        [ -d "$2/$need" ] && echo "$need $name"
    done
done | tsort
