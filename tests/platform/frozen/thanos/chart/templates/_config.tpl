{{/* Without keys: they come from the environment. */}}
{{- define "thanos.objectStorage" -}}
type: S3
config:
  bucket: {{ .Values.objectStorage.bucket }}
  endpoint: {{ required "objectStorage.endpoint is needed" .Values.objectStorage.endpoint }}
  insecure: true
  bucket_lookup_type: path
{{- end -}}

{{/* Takes: root, component. */}}
{{- define "thanos.tracing" -}}
type: OTLP
config:
  client_type: grpc
  service_name: {{ include "platform.fullname" . }}
  endpoint: {{ .root.Values.tracing }}
  insecure: true
  sampler_type: parentbasedalwayson
{{- end -}}

{{/*
What the pods of all components have in common: identity, probes, resources, configuration.
Takes: root, component, port (the HTTP port).
*/}}
{{- define "thanos.container" -}}
{{- $values := index .root.Values .component -}}
name: {{ .component }}
image: {{ include "platform.image" .root.Values.image }}
ports:
  - {name: http-metrics, containerPort: {{ .port }}}
  {{- if ne .component "compactor" }}
  - {name: grpc, containerPort: 10901}
  {{- end }}
startupProbe:
  {{- include "platform.httpProbe" (dict "path" "/-/ready" "port" "http-metrics" "failures" 60) | nindent 2 }}
readinessProbe:
  {{- include "platform.httpProbe" (dict "path" "/-/ready" "port" "http-metrics" "failures" 3) | nindent 2 }}
livenessProbe:
  {{- include "platform.httpProbe" (dict "path" "/-/healthy" "port" "http-metrics" "period" 30) | nindent 2 }}
resources:
  {{- toYaml $values.resources | nindent 2 }}
{{ include "platform.container" .root }}
{{- end -}}

{{/* A claim for the working directory of a component. Takes: root, component. */}}
{{- define "thanos.claim" -}}
{{- $storage := (index .root.Values .component).storage -}}
metadata:
  name: data
  labels:
    {{- include "platform.selector" . | nindent 4 }}
spec:
  accessModes: [ReadWriteOnce]
  {{- with $storage.className }}
  storageClassName: {{ . }}
  {{- end }}
  resources:
    requests:
      storage: {{ $storage.size }}
{{- end -}}
