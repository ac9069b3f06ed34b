{{/*
A peer of a NetworkPolicy, from its short form: [namespace/]name[:component], or namespace/ for all pods of a namespace.
Takes: the short form.
*/}}
{{- define "platform.peer" -}}
{{- $parts := splitn "/" 2 . -}}
{{- $pod := $parts._0 -}}
{{- if contains "/" . -}}
{{- $pod = $parts._1 -}}
- namespaceSelector:
    matchLabels:
      kubernetes.io/metadata.name: {{ $parts._0 }}
  {{- if $pod }}
  podSelector:
  {{- end }}
{{- else -}}
- podSelector:
{{- end -}}
{{- if $pod }}
{{- $app := splitn ":" 2 $pod }}
    matchLabels:
      app.kubernetes.io/name: {{ $app._0 }}
      {{- with $app._1 }}
      app.kubernetes.io/component: {{ . }}
      {{- end }}
{{- end -}}
{{- end -}}

{{- define "platform.policyPorts" -}}
ports:
  {{- range . }}
  - port: {{ . }}
    protocol: TCP
  {{- end }}
{{- end -}}

{{/*
Who may talk to a workload, and to whom it may talk: everything that is not named is denied.
Plain traffic between pods is a NetworkPolicy. What that cannot say (the Gateway, the API server, the nodes, HTTP methods and paths) is
Cilium's own policy beside it; what the two allow adds up.
Takes: root, component (optional), and allow:
  ingress: [{from: [PEER…], ports: […]}]        without ports: to all of them
  egress:  [{to: [PEER…], ports: […]}]
  gateway: [port…]                              from the platform's Gateway
  apiServer: bool                               to the API server
  nodes: [port…]                                to every node
  http: [{from: [[namespace/]name[:component]…], port: N, rules: […]}]  filtered by method and path
*/}}
{{- define "platform.network" -}}
{{- $name := include "platform.fullname" . -}}
{{- $allow := .allow -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "platform.metadata" . | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      {{- include "platform.selector" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
  {{- with $allow.ingress }}
  ingress:
    {{- range . }}
    - from:
        {{- range .from }}
        {{- include "platform.peer" . | nindent 8 }}
        {{- end }}
      {{- with .ports }}
      {{- include "platform.policyPorts" . | nindent 6 }}
      {{- end }}
    {{- end }}
  {{- end }}
  egress:
    - to:
        - namespaceSelector:
            matchLabels:
              kubernetes.io/metadata.name: kube-system
          podSelector:
            matchLabels:
              k8s-app: kube-dns
      ports:
        - port: 53
          protocol: UDP
        - port: 53
          protocol: TCP
    {{- range $allow.egress }}
    - to:
        {{- range .to }}
        {{- include "platform.peer" . | nindent 8 }}
        {{- end }}
      {{- with .ports }}
      {{- include "platform.policyPorts" . | nindent 6 }}
      {{- end }}
    {{- end }}
{{- if or $allow.gateway $allow.apiServer $allow.nodes $allow.http }}
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  {{- include "platform.metadata" . | nindent 2 }}
spec:
  endpointSelector:
    matchLabels:
      {{- include "platform.selector" . | nindent 6 }}
  {{- if or $allow.gateway $allow.http }}
  ingress:
    {{- with $allow.gateway }}
    - fromEntities: [ingress]
      toPorts:
        - ports:
            {{- range . }}
            - port: {{ . | quote }}
              protocol: TCP
            {{- end }}
    {{- end }}
    {{- range $allow.http }}
    - fromEndpoints:
        {{- range .from }}
        {{- $parts := splitList "/" . }}
        {{- $app := splitn ":" 2 (last $parts) }}
        - matchLabels:
            app.kubernetes.io/name: {{ $app._0 }}
            {{- with $app._1 }}
            app.kubernetes.io/component: {{ . }}
            {{- end }}
            {{- if gt (len $parts) 1 }}
            k8s:io.kubernetes.pod.namespace: {{ first $parts }}
            {{- end }}
        {{- end }}
      toPorts:
        - ports:
            - port: {{ .port | quote }}
              protocol: TCP
          rules:
            http:
              {{- toYaml .rules | nindent 14 }}
    {{- end }}
  {{- end }}
  {{- if or $allow.apiServer $allow.nodes }}
  egress:
    {{- if $allow.apiServer }}
    - toEntities: [kube-apiserver]
    {{- end }}
    {{- with $allow.nodes }}
    - toEntities: [host, remote-node]
      toPorts:
        - ports:
            {{- range . }}
            - port: {{ . | quote }}
              protocol: TCP
            {{- end }}
    {{- end }}
  {{- end }}
{{- end }}
{{- end -}}
