{{/*
The security context of a pod: an ordinary user, no service links, the runtime's system call filter.
Takes: root, user (optional numeric id).
*/}}
{{- define "platform.pod" -}}
{{- $user := .user | default 65532 | int64 -}}
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: {{ $user }}
  runAsGroup: {{ $user }}
  fsGroup: {{ $user }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- with .root.Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .root.Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/*
The security context of a container: nothing that the software here needs is missing.
*/}}
{{- define "platform.container" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- end -}}

{{/*
Two or more replicas go to different nodes where there are any.
Takes: root, component (optional).
*/}}
{{- define "platform.spread" -}}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "platform.selector" . | nindent 8 }}
{{- end -}}

{{/*
The object storage's credentials as environment variables, by reference.
Takes: the name of a Secret with the keys access-key and secret-key.
*/}}
{{- define "platform.objectStorageEnv" -}}
- name: AWS_ACCESS_KEY_ID
  valueFrom:
    secretKeyRef: {name: {{ . }}, key: access-key}
- name: AWS_SECRET_ACCESS_KEY
  valueFrom:
    secretKeyRef: {name: {{ . }}, key: secret-key}
{{- end -}}

{{/*
An HTTP probe.
Takes: path, port, and optionally delay, period and failures.
*/}}
{{- define "platform.httpProbe" -}}
httpGet:
  path: {{ .path }}
  port: {{ .port }}
{{- with .delay }}
initialDelaySeconds: {{ . }}
{{- end }}
periodSeconds: {{ .period | default 10 }}
timeoutSeconds: 5
failureThreshold: {{ .failures | default 6 }}
{{- end -}}
