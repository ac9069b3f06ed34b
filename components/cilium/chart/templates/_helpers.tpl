{{/* Metadata under the name by which Cilium's own tools know an object. Takes: root, component, name, cluster (bool). */}}
{{- define "cilium.metadata" -}}
name: {{ .name }}
{{- if not .cluster }}
namespace: {{ .namespace | default .root.Release.Namespace }}
{{- end }}
labels:
  {{- include "platform.labels" . | nindent 2 }}
{{- end -}}

{{/* Labels of a pod: the recommended ones and the short one that policies and tools of Cilium use. Takes: root, component, app. */}}
{{- define "cilium.podLabels" -}}
k8s-app: {{ .app }}
{{ include "platform.labels" . }}
{{- end -}}

{{/* Where the API server is, for what runs before Services do. Takes: root. */}}
{{- define "cilium.env" -}}
- name: K8S_NODE_NAME
  valueFrom:
    fieldRef: {fieldPath: spec.nodeName}
- name: CILIUM_K8S_NAMESPACE
  valueFrom:
    fieldRef: {fieldPath: metadata.namespace}
{{- with .root.Values.apiServer.host }}
- {name: KUBERNETES_SERVICE_HOST, value: {{ . | quote }}}
- {name: KUBERNETES_SERVICE_PORT, value: {{ $.root.Values.apiServer.port | quote }}}
{{- end }}
{{- end -}}

{{/* A binding of a role to the ServiceAccount of the same name. Takes: root, component, name, account. */}}
{{- define "cilium.clusterRoleBinding" -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  {{- include "cilium.metadata" (dict "root" .root "component" .component "name" .name "cluster" true) | nindent 2 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: {{ .name }}
subjects:
  - {kind: ServiceAccount, name: {{ .account }}, namespace: {{ .root.Release.Namespace }}}
{{- end -}}

{{/* Takes: root, component, name, namespace, account, rules (text). */}}
{{- define "cilium.role" -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  {{- include "cilium.metadata" . | nindent 2 }}
rules:
  {{- .rules | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  {{- include "cilium.metadata" . | nindent 2 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {{ .name }}
subjects:
  - {kind: ServiceAccount, name: {{ .account }}, namespace: {{ .root.Release.Namespace }}}
{{- end -}}

{{/* A probe of a health endpoint on the node itself. Takes: port, path, and optionally period and failures. */}}
{{- define "cilium.localProbe" -}}
httpGet:
  host: 127.0.0.1
  path: {{ .path }}
  port: {{ .port }}
  httpHeaders:
    - {name: brief, value: "true"}
periodSeconds: {{ .period | default 30 }}
timeoutSeconds: 5
failureThreshold: {{ .failures | default 10 }}
{{- end -}}

{{- define "cilium.config" -}}
{{- $v := .Values -}}
{{- $config := dict
  "debug" "false"
  "cluster-name" $v.cluster.name
  "cluster-id" ($v.cluster.id | toString)
  "identity-allocation-mode" "crd"
  "identity-management-mode" "agent"
  "cilium-endpoint-gc-interval" "5m0s"
  "nodes-gc-interval" "5m0s"
  "enable-ipv4" "true"
  "enable-ipv6" "false"
  "ipam" $v.ipam.mode
  "routing-mode" $v.routing.mode
  "enable-ipv4-masquerade" "true"
  "enable-bpf-masquerade" "true"
  "kube-proxy-replacement" "true"
  "kube-proxy-replacement-healthz-bind-address" "0.0.0.0:10256"
  "enable-node-port" "true"
  "enable-l7-proxy" "true"
  "enable-policy" "default"
  "enable-k8s-networkpolicy" "true"
  "enable-non-default-deny-policies" "true"
  "enable-health-checking" "true"
  "enable-endpoint-health-checking" "true"
  "enable-source-ip-verification" "true"
  "enable-lb-ipam" "true"
  "default-lb-service-ipam" "lbipam"
  "bpf-map-dynamic-size-ratio" "0.0025"
  "bpf-policy-map-max" "16384"
  "bpf-lb-map-max" "65536"
  "bpf-lb-external-clusterip" "false"
  "bpf-root" "/sys/fs/bpf"
  "cgroup-root" $v.cgroup.root
  "preallocate-bpf-maps" "false"
  "monitor-aggregation" "medium"
  "monitor-aggregation-interval" "5s"
  "monitor-aggregation-flags" "all"
  "procfs" "/host/proc"
  "cni-exclusive" "true"
  "cni-log-file" "/var/run/cilium/cilium-cni.log"
  "custom-cni-conf" "false"
  "write-cni-conf-when-ready" "/host/etc/cni/net.d/05-cilium.conflist"
  "agent-not-ready-taint-key" "node.cilium.io/agent-not-ready"
  "remove-cilium-node-taints" "true"
  "set-cilium-node-taints" "true"
  "set-cilium-is-up-condition" "true"
  "unmanaged-pod-watcher-interval" "15"
  "dnsproxy-enable-transparent-mode" "true"
  "tofqdns-enable-dns-compression" "true"
  "tofqdns-endpoint-max-ip-per-hostname" "1000"
  "tofqdns-proxy-response-max-delay" "100ms"
  "synchronize-k8s-nodes" "true"
  "external-envoy-proxy" "true"
  "envoy-base-id" "0"
  "envoy-keep-cap-netbindservice" "false"
  "enable-envoy-config" "true"
  "envoy-config-retry-interval" "15s"
  "proxy-connect-timeout" "2"
  "proxy-idle-timeout-seconds" "60"
  "enable-policy-secrets-sync" "true"
  "policy-secrets-only-from-secrets-namespace" "true"
  "policy-secrets-namespace" "cilium-secrets"
  "mesh-auth-enabled" "false"
  "enable-metrics" "true"
  "prometheus-serve-addr" ":9962"
  "operator-prometheus-serve-addr" ":9963"
  "operator-api-serve-addr" "127.0.0.1:9234"
  "controller-group-metrics" "write-cni-file sync-host-ips sync-lb-maps-with-k8s-services"
  "enable-hubble" "true"
  "hubble-socket-path" "/var/run/cilium/hubble.sock"
  "hubble-listen-address" ":4244"
  "hubble-metrics-server" ":9965"
  "hubble-metrics" (join " " $v.hubble.metrics)
  "enable-hubble-open-metrics" "true"
  "hubble-disable-tls" (ternary "false" "true" $v.hubble.tls.enabled)
-}}
{{- if eq $v.ipam.mode "cluster-pool" -}}
  {{- $_ := set $config "cluster-pool-ipv4-cidr" $v.ipam.poolCIDR -}}
  {{- $_ := set $config "cluster-pool-ipv4-mask-size" ($v.ipam.poolMaskSize | toString) -}}
{{- end -}}
{{- if eq $v.routing.mode "tunnel" -}}
  {{- $_ := set $config "tunnel-protocol" $v.routing.tunnelProtocol -}}
{{- end -}}
{{- if $v.hubble.tls.enabled -}}
  {{- $_ := set $config "hubble-tls-cert-file" "/var/lib/cilium/tls/hubble/server.crt" -}}
  {{- $_ := set $config "hubble-tls-key-file" "/var/lib/cilium/tls/hubble/server.key" -}}
  {{- $_ := set $config "hubble-tls-client-ca-files" "/var/lib/cilium/tls/hubble/client-ca.crt" -}}
{{- end -}}
{{- if $v.hubble.export.enabled -}}
  {{- $_ := set $config "hubble-export-file-path" "/var/run/cilium/hubble/events.log" -}}
  {{- $_ := set $config "hubble-export-file-max-size-mb" "10" -}}
  {{- $_ := set $config "hubble-export-file-max-backups" "3" -}}
  {{- $allow := list -}}
  {{- range $v.hubble.export.allow -}}{{- $allow = append $allow (toJson .) -}}{{- end -}}
  {{- with $allow -}}{{- $_ := set $config "hubble-export-allowlist" (join " " .) -}}{{- end -}}
{{- end -}}
{{- if $v.gateway.enabled -}}
  {{- $_ := set $config "enable-gateway-api" "true" -}}
  {{- $_ := set $config "enable-gateway-api-secrets-sync" "true" -}}
  {{- $_ := set $config "enable-gateway-api-app-protocol" "true" -}}
  {{- $_ := set $config "enable-gateway-api-alpn" "true" -}}
  {{- $_ := set $config "enable-gateway-api-proxy-protocol" "false" -}}
  {{- $_ := set $config "gateway-api-secrets-namespace" "cilium-secrets" -}}
  {{- $_ := set $config "gateway-api-xff-num-trusted-hops" "0" -}}
  {{- $_ := set $config "gateway-api-service-externaltrafficpolicy" "Cluster" -}}
  {{- $_ := set $config "gateway-api-hostnetwork-enabled" (toString $v.gateway.hostNetwork) -}}
  {{- $_ := set $config "gateway-api-hostnetwork-nodelabelselector" "" -}}
{{- end -}}
{{- mergeOverwrite $config $v.config | toYaml -}}
{{- end -}}
