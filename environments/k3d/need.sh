#!/bin/sh
# need.sh TOOL… : names every tool that is missing, the version wanted and how to get it, and fails if any is. It changes nothing.
missing=0
need() {
    command -v "$1" >/dev/null 2>&1 && return
    missing=1
    printf 'missing: %s %s\n         %s\n' "$1" "$2" "$3" >&2
}

for tool in "$@"; do
    case $tool in
    cargo) need cargo '1.95 or later' 'https://rustup.rs' ;;
    go) need go '1.24 or later' 'https://go.dev/dl/' ;;
    docker) need docker '24 or later' 'https://docs.docker.com/engine/install/' ;;
    k3d) need k3d '5.8 or later' 'https://k3d.io/stable/#installation, or: brew install k3d' ;;
    kubectl) need kubectl '1.33 or later' 'https://kubernetes.io/docs/tasks/tools/#kubectl, or: brew install kubectl' ;;
    git) need git '2.30 or later' 'https://git-scm.com/downloads' ;;
    python3) need python3 '3.10 or later' 'https://www.python.org/downloads/; Debian: apt-get install python3 python3-venv' ;;
    promtool) need promtool '2.42 or later' 'https://prometheus.io/download/; Debian: apt-get install prometheus' ;;
    amtool) need amtool '0.25 or later' 'https://prometheus.io/download/; Debian: apt-get install prometheus-alertmanager' ;;
    *)
        printf 'need.sh does not know the tool %s\n' "$tool" >&2
        exit 2
        ;;
    esac
done

if [ "$missing" = 1 ]; then
    printf 'Nothing was changed. Install what is missing and run the same again.\n' >&2
fi
exit "$missing"
