{{/*
prometheus.yml. Targets declare themselves: every container port named `metrics`, or ending in `-metrics`, is scraped; the job is the pod's
app.kubernetes.io/name. A port named `state-metrics` tells about other objects.
*/}}
{{- define "prometheus.config" -}}
global:
  scrape_interval: {{ .Values.scrapeInterval }}
  scrape_timeout: 10s
  evaluation_interval: {{ .Values.evaluationInterval }}
  {{- with .Values.externalLabels }}
  external_labels:
    {{- toYaml . | nindent 4 }}
  {{- end }}
storage:
  exemplars:
    max_exemplars: {{ int64 .Values.exemplars.max }}
  tsdb:
    out_of_order_time_window: 10m
rule_files:
  - /etc/prometheus/rules/*.yaml
{{- with .Values.alertmanagers }}
alerting:
  alert_relabel_configs:
    # Two replicas of one Prometheus raise the same alert once.
    - regex: prometheus_replica
      action: labeldrop
  alertmanagers:
    - static_configs:
        - targets:
            {{- toYaml . | nindent 12 }}
{{- end }}
scrape_configs:
  - job_name: pods
    kubernetes_sd_configs:
      - role: pod
    relabel_configs:
      - source_labels: [__meta_kubernetes_pod_phase]
        regex: Succeeded|Failed
        action: drop
      - source_labels: [__meta_kubernetes_pod_container_port_name]
        regex: (?:.+-)?metrics
        action: keep
      - source_labels: [__meta_kubernetes_pod_container_port_name]
        regex: state-metrics
        action: drop
      - source_labels: [__meta_kubernetes_pod_annotation_prometheus_io_path]
        regex: (.+)
        target_label: __metrics_path__
      - source_labels: [__meta_kubernetes_pod_label_k8s_app]
        regex: (.+)
        target_label: job
      - source_labels: [__meta_kubernetes_pod_label_app_kubernetes_io_name]
        regex: (.+)
        target_label: job
      - source_labels: [__meta_kubernetes_pod_label_app_kubernetes_io_component]
        regex: (.+)
        target_label: component
      - source_labels: [__meta_kubernetes_namespace]
        target_label: namespace
      - source_labels: [__meta_kubernetes_pod_name]
        target_label: pod
      - source_labels: [__meta_kubernetes_pod_container_name]
        target_label: container
      - source_labels: [__meta_kubernetes_pod_node_name]
        target_label: node
  # Metrics about other objects: their namespace, pod and node are what they name themselves, not those of the pod that tells.
  - job_name: state
    honor_labels: true
    kubernetes_sd_configs:
      - role: pod
    relabel_configs:
      - source_labels: [__meta_kubernetes_pod_container_port_name]
        regex: state-metrics
        action: keep
      - source_labels: [__meta_kubernetes_pod_label_app_kubernetes_io_name]
        target_label: job
  - job_name: kubelet
    scheme: https
    authorization:
      credentials_file: /var/run/secrets/kubernetes.io/serviceaccount/token
    tls_config:
      # The kubelet's serving certificate is signed by the node itself.
      insecure_skip_verify: true
    kubernetes_sd_configs:
      - role: node
    relabel_configs:
      - source_labels: [__meta_kubernetes_node_name]
        target_label: node
  - job_name: cadvisor
    scheme: https
    metrics_path: /metrics/cadvisor
    honor_timestamps: false
    authorization:
      credentials_file: /var/run/secrets/kubernetes.io/serviceaccount/token
    tls_config:
      insecure_skip_verify: true
    kubernetes_sd_configs:
      - role: node
    relabel_configs:
      - source_labels: [__meta_kubernetes_node_name]
        target_label: node
    metric_relabel_configs:
      # What no dashboard and no rule reads is half of cAdvisor's series.
      - source_labels: [__name__]
        regex: container_(?:tasks_state|memory_failures_total|blkio_device_usage_total|network_(?:tcp|udp).*)
        action: drop
  - job_name: apiserver
    scheme: https
    authorization:
      credentials_file: /var/run/secrets/kubernetes.io/serviceaccount/token
    tls_config:
      ca_file: /var/run/secrets/kubernetes.io/serviceaccount/ca.crt
      server_name: kubernetes
    kubernetes_sd_configs:
      - role: endpointslice
        namespaces:
          names: [default]
    relabel_configs:
      - source_labels: [__meta_kubernetes_service_name, __meta_kubernetes_endpointslice_port_name]
        regex: kubernetes;https
        action: keep
    metric_relabel_configs:
      - source_labels: [__name__]
        regex: apiserver_request_(?:body_size_bytes|sli_duration_seconds|slo_duration_seconds)_bucket|etcd_request_duration_seconds_bucket
        action: drop
  {{- with .Values.extraScrapeConfigs }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{/* Thanos's object storage: the credentials come from the environment. */}}
{{- define "prometheus.objectStorage" -}}
type: S3
config:
  bucket: {{ .bucket }}
  endpoint: {{ required "thanos.objectStorage.endpoint is needed" .endpoint }}
  insecure: true
  bucket_lookup_type: path
{{- end -}}
