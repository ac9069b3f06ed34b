{{- define "alertmanager.config" -}}
global:
  resolve_timeout: 5m
route:
  receiver: platform
  group_by: [alertname, namespace, job]
  group_wait: 30s
  group_interval: 5m
  repeat_interval: 12h
  routes:
    # The alert that always fires, and what is only worth knowing, disturb nobody.
    - receiver: none
      matchers: ['severity =~ "none|info"']
    - receiver: platform
      matchers: ['severity = "critical"']
      group_wait: 10s
      repeat_interval: 2h
inhibit_rules:
  - source_matchers: ['severity = "critical"']
    target_matchers: ['severity =~ "warning|info"']
    equal: [alertname, namespace]
  # What runs on a node that is gone is not a second incident.
  - source_matchers: ['alertname = "NodeNotReady"']
    target_matchers: ['alertname =~ "TargetDown|PodNotReady|DaemonSetIncomplete"']
    equal: [node]
receivers:
  - name: none
  - name: platform
    {{- if eq .Values.receiver.kind "slack" }}
    slack_configs:
      - api_url_file: /etc/alertmanager/receiver/url
        channel: {{ .Values.receiver.channel | quote }}
        send_resolved: true
        title: '{{ "{{" }} .CommonLabels.alertname {{ "}}" }}'
        text: '{{ "{{" }} range .Alerts {{ "}}{{" }} .Annotations.summary {{ "}}" }}{{ "\\n" }}{{ "{{" }} end {{ "}}" }}'
    {{- else if eq .Values.receiver.kind "webhook" }}
    webhook_configs:
      - url_file: /etc/alertmanager/receiver/url
        send_resolved: true
    {{- else if .Values.receiver.kind }}
    {{- fail (printf "receiver.kind is slack or webhook, not %q" .Values.receiver.kind) }}
    {{- end }}
{{- end -}}
