{{- define "tempo.config" -}}
stream_over_http_enabled: true
server:
  http_listen_port: 3200
  grpc_listen_port: 9095
  log_format: json
  log_level: info
distributor:
  receivers:
    otlp:
      protocols:
        grpc:
          endpoint: 0.0.0.0:4317
ingester:
  trace_idle_period: 10s
  max_block_duration: 30m
  lifecycler:
    ring:
      replication_factor: 1
      kvstore:
        store: inmemory
compactor:
  compaction:
    block_retention: {{ .Values.retention }}
    compacted_block_retention: 1h
{{- if .Values.remoteWrite }}
metrics_generator:
  ring:
    kvstore:
      store: inmemory
  registry:
    external_labels:
      source: tempo
  processor:
    service_graphs:
      dimensions: [k8s.namespace.name]
    local_blocks:
      filter_server_spans: false
      flush_to_storage: true
  storage:
    path: /var/tempo/generator/wal
    remote_write:
      - url: {{ .Values.remoteWrite }}
        send_exemplars: true
  traces_storage:
    path: /var/tempo/generator/traces
{{- end }}
storage:
  trace:
    backend: s3
    s3:
      # The keys come from the environment.
      bucket: {{ .Values.objectStorage.bucket }}
      endpoint: {{ required "objectStorage.endpoint is needed" .Values.objectStorage.endpoint }}
      region: us-east-1
      insecure: true
      forcepathstyle: true
    wal:
      path: /var/tempo/wal
    local:
      path: /var/tempo/blocks
overrides:
  defaults:
    ingestion:
      max_traces_per_user: 20000
    {{- if .Values.remoteWrite }}
    metrics_generator:
      processors: [service-graphs, local-blocks]
    {{- end }}
usage_report:
  reporting_enabled: false
{{- end -}}
