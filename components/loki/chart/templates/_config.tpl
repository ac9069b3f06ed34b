{{- define "loki.config" -}}
auth_enabled: false
server:
  http_listen_port: 3100
  grpc_listen_port: 9095
  log_format: json
  log_level: info
common:
  path_prefix: /var/loki
  replication_factor: 1
  ring:
    instance_addr: 127.0.0.1
    kvstore:
      store: inmemory
  storage:
    s3:
      # The keys come from the environment.
      bucketnames: {{ .Values.objectStorage.bucket }}
      endpoint: {{ required "objectStorage.endpoint is needed" .Values.objectStorage.endpoint }}
      region: us-east-1
      insecure: true
      s3forcepathstyle: true
schema_config:
  configs:
    - from: "2025-01-01"
      store: tsdb
      object_store: s3
      schema: v13
      index:
        prefix: index_
        period: 24h
ingester:
  chunk_encoding: snappy
  chunk_idle_period: 30m
  max_chunk_age: 2h
  wal:
    enabled: true
    flush_on_shutdown: true
limits_config:
  retention_period: {{ .Values.retention }}
  ingestion_rate_mb: {{ .Values.limits.ingestionRateMB }}
  ingestion_burst_size_mb: {{ .Values.limits.ingestionBurstMB }}
  max_global_streams_per_user: {{ int64 .Values.limits.maxStreams }}
  query_timeout: {{ .Values.limits.queryTimeout }}
  allow_structured_metadata: true
  volume_enabled: true
  discover_service_name: [app, container]
  otlp_config:
    resource_attributes:
      attributes_config:
        - action: index_label
          attributes: [k8s.namespace.name, k8s.pod.name, service.name]
compactor:
  working_directory: /var/loki/compactor
  retention_enabled: true
  delete_request_store: s3
ruler:
  enable_api: true
  storage:
    type: local
    local:
      directory: /etc/loki/rules
  rule_path: /var/loki/ruler
  ring:
    kvstore:
      store: inmemory
  {{- with .Values.ruler.alertmanager }}
  alertmanager_url: {{ . }}
  enable_alertmanager_v2: true
  {{- end }}
query_range:
  cache_results: true
  results_cache:
    cache:
      embedded_cache:
        enabled: true
        max_size_mb: 64
tracing:
  enabled: {{ not (empty .Values.tracing) }}
analytics:
  reporting_enabled: false
{{- end -}}
