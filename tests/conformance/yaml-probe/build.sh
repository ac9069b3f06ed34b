#!/bin/sh
# usage: build.sh YAML2 YAML3 SIGS OUTPUT: builds the probe against checkouts of the three libraries.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$here/main.go" "$work/"
cat > "$work/go.mod" <<MOD
module yamlprobe

go 1.22

require (
	go.yaml.in/yaml/v2 v2.4.3
	go.yaml.in/yaml/v3 v3.0.4
	sigs.k8s.io/yaml v1.6.0
)

replace go.yaml.in/yaml/v2 => $1
replace go.yaml.in/yaml/v3 => $2
replace sigs.k8s.io/yaml => $3
MOD
(cd "$work" && GOFLAGS=-mod=mod GONOSUMDB='*' GONOSUMCHECK=1 GOFLAGS=-mod=mod GOPROXY=off go build -o "$4" .)
