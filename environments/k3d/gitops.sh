#!/bin/sh
# gitops.sh ready CLUSTERS : whether CLUSTERS hands a repository over that exists; says what is missing, and changes nothing.
# gitops.sh credentials CLUSTERS NAMESPACE KUBECTL… : the Secret that the GitRepository there names, from GIT_USERNAME and GIT_PASSWORD. One that is
# in the cluster is kept where GIT_PASSWORD is not set.
set -eu
action=$1 clusters=$2
shift 2

ready() {
    if [ ! -f "$clusters/.hydrated" ]; then
        echo "$clusters is missing: write \`handover: flux\` into environments/${clusters##*/}.yaml and run: make hydrate" >&2
        return 1
    fi
    if grep -q 'url: https://git\.example\.org/' "$clusters"/gitrepository-*.yaml 2>/dev/null; then
        echo "$clusters names the example's repository. Write the address of your copy into environments/${clusters##*/}.yaml (git: url)," >&2
        echo "run \`make hydrate\`, commit and push; then: make phase4" >&2
        return 1
    fi
}

credentials() {
    namespace=$1
    shift
    name=$(sed -n '/^  secretRef:/{n;s/^ *name: *//p;}' "$clusters"/gitrepository-*.yaml 2>/dev/null || true)
    if [ -z "$name" ]; then
        echo "no credentials are needed: environments/${clusters##*/}.yaml names no Secret (git: secret)"
    elif [ -n "${GIT_PASSWORD:-}" ]; then
        printf '%s' "$GIT_PASSWORD" |
            "$@" -n "$namespace" create secret generic "$name" --from-literal=username="${GIT_USERNAME:-git}" --from-file=password=/dev/stdin --dry-run=client -o yaml |
            "$@" apply --server-side --force-conflicts --field-manager=platform -f -
    elif "$@" -n "$namespace" get secret "$name" >/dev/null 2>&1; then
        echo "the Secret $namespace/$name is there already"
    else
        echo "the Secret $namespace/$name is missing: set GIT_PASSWORD (and GIT_USERNAME) and run this again" >&2
        return 1
    fi
}

case $action in
ready) ready ;;
credentials) credentials "$@" ;;
*)
    echo "gitops.sh does not know $action" >&2
    exit 2
    ;;
esac
