{{/*
A workload's ServiceAccount. Only workloads that talk to the API server get a token, and they ask for it in the pod.
Takes: root, component (optional).
*/}}
{{- define "platform.serviceAccount" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  {{- include "platform.metadata" . | nindent 2 }}
automountServiceAccountToken: false
{{- end -}}

{{/*
A Service over named ports.
Takes: root, component (optional), ports (list of name, port and optionally target, appProtocol), headless (bool).
*/}}
{{- define "platform.service" -}}
{{- $name := include "platform.fullname" . -}}
{{- if .headless }}{{ $name = printf "%s-headless" $name }}{{ end -}}
apiVersion: v1
kind: Service
metadata:
  {{- include "platform.metadata" (dict "root" .root "component" .component "name" $name) | nindent 2 }}
spec:
  type: ClusterIP
  {{- if .headless }}
  clusterIP: None
  publishNotReadyAddresses: true
  {{- end }}
  selector:
    {{- include "platform.selector" . | nindent 4 }}
  ports:
    {{- range .ports }}
    - name: {{ .name }}
      port: {{ .port }}
      targetPort: {{ .target | default .name }}
      protocol: {{ .protocol | default "TCP" }}
      {{- with .appProtocol }}
      appProtocol: {{ . }}
      {{- end }}
    {{- end }}
{{- end -}}

{{/*
A PodDisruptionBudget, where there are replicas enough for one to be spared.
Takes: root, component (optional), replicas.
*/}}
{{- define "platform.pdb" -}}
{{- if gt (int .replicas) 1 -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "platform.metadata" . | nindent 2 }}
spec:
  maxUnavailable: 1
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "platform.selector" . | nindent 6 }}
{{- end -}}
{{- end -}}
