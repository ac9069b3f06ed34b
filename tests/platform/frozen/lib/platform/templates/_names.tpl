{{/*
The name of one workload: the release, and the component in charts that have several.
Takes: root, component (optional).
*/}}
{{- define "platform.fullname" -}}
{{- $name := .root.Release.Name -}}
{{- with .component }}{{ $name = printf "%s-%s" $name . }}{{ end -}}
{{- $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/*
The labels that select a workload's pods. They never change during its life.
Takes: root, component (optional).
*/}}
{{- define "platform.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end -}}

{{/*
The recommended labels of every object.
Takes: root, component (optional).
*/}}
{{- define "platform.labels" -}}
{{ include "platform.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: {{ .root.Values.platform.partOf }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{/*
Name, namespace and labels: the metadata of every namespaced object.
Takes: root, component (optional), name (optional, instead of the workload's own).
*/}}
{{- define "platform.metadata" -}}
name: {{ .name | default (include "platform.fullname" .) }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "platform.labels" . | nindent 2 }}
{{- end -}}

{{/*
The full name of an image.
Takes: an image value (registry, repository, tag, digest) — and nothing else.
*/}}
{{- define "platform.image" -}}
{{- $tag := required "an image needs a tag: it is pinned by version" .tag -}}
{{- printf "%s/%s:%s" .registry .repository (toString $tag) -}}
{{- with .digest }}@{{ . }}{{ end -}}
{{- end -}}
