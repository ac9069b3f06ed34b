{{- define "grafana.ini" -}}
[analytics]
check_for_updates = false
reporting_enabled = false

[server]
http_port = 3000
{{- with .Values.rootUrl }}
root_url = {{ . }}
{{- end }}

[paths]
data = /var/lib/grafana
logs = /tmp/logs
plugins = /var/lib/grafana/plugins
provisioning = /etc/grafana/provisioning

[log]
mode = console

[log.console]
format = json

[metrics]
enabled = true
{{- if .Values.anonymousViewer }}

[auth.anonymous]
enabled = true
org_role = Viewer
{{- end }}

[users]
allow_sign_up = false

[unified_alerting]
# Alerts are Prometheus's and Alertmanager's; Grafana shows them.
execute_alerts = false

[dashboards]
default_home_dashboard_path = /var/lib/dashboards/Platform/grafana-overview.json
{{- with .Values.tracing }}

[tracing.opentelemetry]
custom_attributes = k8s.namespace.name:{{ $.Release.Namespace }},service.namespace:{{ $.Values.platform.partOf }}
sampler_type = const
sampler_param = 1

[tracing.opentelemetry.otlp]
address = {{ . }}
propagation = w3c
{{- end }}
{{- end -}}

{{/*
The datasources and the ways between them: an exemplar leads to its trace, a span to the logs of its pod, a log line to its trace, and a
service in Tempo's graph to its metrics.
*/}}
{{- define "grafana.datasources" -}}
{{- $urls := .Values.datasources -}}
apiVersion: 1
prune: true
datasources:
  - name: Metrics
    uid: thanos
    type: prometheus
    access: proxy
    url: {{ required "datasources.prometheus is needed" $urls.prometheus }}
    isDefault: true
    editable: false
    jsonData:
      httpMethod: POST
      prometheusType: Thanos
      timeInterval: 30s
      {{- if $urls.tempo }}
      exemplarTraceIdDestinations:
        {{- range list "trace_id" "traceID" "traceId" }}
        - {name: {{ . }}, datasourceUid: tempo}
        {{- end }}
      {{- end }}
  {{- with $urls.alertmanager }}
  - name: Alerts
    uid: alertmanager
    type: alertmanager
    access: proxy
    url: {{ . }}
    editable: false
    jsonData:
      implementation: prometheus
      handleGrafanaManagedAlerts: false
  {{- end }}
  {{- with $urls.loki }}
  - name: Logs
    uid: loki
    type: loki
    access: proxy
    url: {{ . }}
    editable: false
    jsonData:
      maxLines: 1000
      {{- if $urls.tempo }}
      derivedFields:
        - name: trace
          matcherType: regex
          matcherRegex: '(?i)"?trace_?id"?[=:]\s*"?([0-9a-f]{32})'
          # The first dollar is Grafana's escape of the second, so that its provisioning leaves the variable alone.
          url: $${__value.raw}
          urlDisplayLabel: Open the trace
          datasourceUid: tempo
        - name: trace (structured)
          matcherType: label
          matcherRegex: trace_id
          url: $${__value.raw}
          urlDisplayLabel: Open the trace
          datasourceUid: tempo
      {{- end }}
  {{- end }}
  {{- with $urls.tempo }}
  - name: Traces
    uid: tempo
    type: tempo
    access: proxy
    url: {{ . }}
    editable: false
    jsonData:
      nodeGraph: {enabled: true}
      serviceMap: {datasourceUid: thanos}
      {{- if $urls.loki }}
      tracesToLogsV2:
        datasourceUid: loki
        spanStartTimeShift: -5m
        spanEndTimeShift: 5m
        filterByTraceID: true
        filterBySpanID: false
        tags:
          {{- toYaml $.Values.traceToLogs | nindent 10 }}
      {{- end }}
      tracesToMetrics:
        datasourceUid: thanos
        spanStartTimeShift: -30m
        spanEndTimeShift: 30m
        tags:
          - {key: service.name, value: service_name}
        queries:
          - name: Requests per second
            query: sum(rate(traces_span_metrics_calls_total{$$__tags}[5m]))
          - name: Duration, 95th percentile
            query: histogram_quantile(0.95, sum by (le) (rate(traces_span_metrics_duration_seconds_bucket{$$__tags}[5m])))
  {{- end }}
{{- end -}}

{{- define "grafana.providers" -}}
apiVersion: 1
providers:
  - name: platform
    type: file
    disableDeletion: true
    allowUiUpdates: false
    updateIntervalSeconds: 30
    options:
      path: /var/lib/dashboards
      foldersFromFilesStructure: true
{{- end -}}
