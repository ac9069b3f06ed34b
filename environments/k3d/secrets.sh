#!/bin/sh
# secrets.sh KUBECTL… : makes the Secrets that the manifests refer to, with random values, where they are missing. Values never leave the
# cluster: what is there already is read from it, and nothing is printed but names.
set -eu

random() { od -An -tx1 -N20 /dev/urandom | tr -d ' \n'; }
has() { "$@" >/dev/null 2>&1; }

# secret KUBECTL… : one manifest from standard input; its values stay out of the arguments, which every user of the machine can read.
apply() { "$@" apply --server-side --field-manager=secrets -f - >/dev/null; }

if ! has "$@" -n observability get secret grafana-admin; then
    apply "$@" <<END
apiVersion: v1
kind: Secret
metadata: {name: grafana-admin, namespace: observability}
stringData: {user: admin, password: $(random)}
END
    echo "secret observability/grafana-admin made"
fi

# One identity for each client: it reads and writes its own bucket.
identities=
for client in thanos loki tempo; do
    name=$client-object-storage
    if has "$@" -n observability get secret "$name"; then
        access=$("$@" -n observability get secret "$name" -o 'go-template={{index .data "access-key" | base64decode}}')
        secret=$("$@" -n observability get secret "$name" -o 'go-template={{index .data "secret-key" | base64decode}}')
    else
        access=$client-$(random | cut -c1-8)
        secret=$(random)
        apply "$@" <<END
apiVersion: v1
kind: Secret
metadata: {name: $name, namespace: observability}
stringData: {access-key: $access, secret-key: $secret}
END
        echo "secret observability/$name made"
    fi
    actions="\"Read:$client\", \"Write:$client\", \"List:$client\", \"Tagging:$client\""
    identities="$identities${identities:+, }{\"name\": \"$client\", \"credentials\": [{\"accessKey\": \"$access\", \"secretKey\": \"$secret\"}], \"actions\": [$actions]}"
done

apply "$@" <<END
apiVersion: v1
kind: Secret
metadata: {name: object-storage-identities, namespace: object-storage}
stringData:
  s3.json: '{"identities": [$identities]}'
END
echo "secrets are there"
