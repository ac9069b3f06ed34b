{{/*
The alerts and dashboards that a chart brings along, as ConfigMaps that Prometheus's and Grafana's sidecars pick up by their label.
rules/*.yaml are Prometheus rule files and go in as they are. dashboards/*.yaml are short descriptions (see platform.dashboard), which become
Grafana's JSON here; dashboards/*.json go in as they are.
Takes: root.
*/}}
{{- define "platform.signals" -}}
{{- $root := .root -}}
{{- $rules := $root.Files.Glob "rules/*.yaml" -}}
{{- if $rules }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ $root.Release.Name }}-rules
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "platform.labels" . | nindent 4 }}
    prometheus.io/rules: "true"
data:
  {{- range $path, $content := $rules }}
  {{ printf "%s-%s" $root.Release.Name (base $path) }}: |
    {{- $content | toString | trim | nindent 4 }}
  {{- end }}
{{- end }}
{{- range $path, $content := $root.Files.Glob "dashboards/*" }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ printf "%s-dashboard-%s" $root.Release.Name (base $path | trimSuffix (ext $path)) }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "platform.labels" $ | nindent 4 }}
    grafana.com/dashboard: "true"
  annotations:
    grafana.com/folder: Platform
data:
  {{ printf "%s-%s.json" $root.Release.Name (base $path | trimSuffix (ext $path)) }}: |
    {{- if hasSuffix ".json" $path }}
    {{- $content | toString | trim | nindent 4 }}
    {{- else }}
    {{- include "platform.dashboard" ($content | toString | fromYaml) | nindent 4 }}
    {{- end }}
{{- end }}
{{- end -}}

{{/*
Grafana's JSON of a dashboard, from a short description:
  title, uid, tags (list), links (list of {title, uid})
  variables: [{name, query, label}]           values of a label, from Thanos; with type: textbox what the reader enters
  panels: each with title and, as needed, type (timeseries), width (8 of 24), height (7), unit, description, datasource (thanos),
          exemplars (bool), stack (bool), queries: [{expr, legend}] or expr and legend; text panels have content.
Panels flow from left to right, as lines of words do.
*/}}
{{- define "platform.dashboard" -}}
{{- $uids := dict "thanos" "prometheus" "loki" "loki" "tempo" "tempo" "alertmanager" "alertmanager" -}}
{{- $panels := list -}}
{{- $x := 0 -}}{{- $y := 0 -}}{{- $line := 0 -}}
{{- range $index, $panel := .panels -}}
  {{- $type := $panel.type | default "timeseries" -}}
  {{- $width := $panel.width | default (ternary 24 8 (eq $type "row")) | int -}}
  {{- $height := $panel.height | default (ternary 1 (ternary 4 7 (eq $type "stat")) (eq $type "row")) | int -}}
  {{- if gt (add $x $width) 24 -}}
    {{- $x = 0 -}}{{- $y = add $y $line -}}{{- $line = 0 -}}
  {{- end -}}
  {{- $source := $panel.datasource | default "thanos" -}}
  {{- $datasource := dict "type" (get $uids $source) "uid" $source -}}
  {{- $queries := $panel.queries | default (list (dict "expr" $panel.expr "legend" $panel.legend)) -}}
  {{- $targets := list -}}
  {{- range $number, $query := $queries -}}
    {{- $target := dict "refId" (printf "%c" (add 65 $number | int)) "datasource" $datasource -}}
    {{- if eq $source "tempo" -}}
      {{- $_ := set $target "query" $query.expr -}}
      {{- $_ := set $target "queryType" "traceql" -}}
      {{- $_ := set $target "tableType" "traces" -}}
      {{- $_ := set $target "limit" 20 -}}
    {{- else -}}
      {{- $_ := set $target "expr" $query.expr -}}
      {{- with $query.legend }}{{ $_ := set $target "legendFormat" . }}{{ end -}}
      {{- if $panel.exemplars }}{{ $_ := set $target "exemplar" true }}{{ end -}}
      {{- if has $type (list "stat" "table" "bargauge") -}}
        {{- $_ := set $target "instant" true -}}
        {{- if eq $type "table" }}{{ $_ := set $target "format" "table" }}{{ end -}}
      {{- end -}}
    {{- end -}}
    {{- $targets = append $targets $target -}}
  {{- end -}}
  {{- $out := dict "id" (add1 $index) "title" $panel.title "type" $type "gridPos" (dict "x" $x "y" $y "w" $width "h" $height) -}}
  {{- with $panel.description }}{{ $_ := set $out "description" . }}{{ end -}}
  {{- if eq $type "row" -}}
    {{- $_ := set $out "collapsed" false -}}
    {{- $_ := set $out "panels" list -}}
  {{- else if eq $type "text" -}}
    {{- $_ := set $out "options" (dict "mode" "markdown" "content" $panel.content) -}}
  {{- else -}}
    {{- $_ := set $out "datasource" $datasource -}}
    {{- $_ := set $out "targets" $targets -}}
    {{- $custom := dict -}}
    {{- if eq $type "timeseries" -}}
      {{- $custom = dict "lineWidth" 1 "fillOpacity" 10 "showPoints" "never" "stacking" (dict "mode" (ternary "normal" "none" (default false $panel.stack))) -}}
      {{- $_ := set $out "options" (dict "legend" (dict "displayMode" "list" "placement" "bottom") "tooltip" (dict "mode" "multi" "sort" "desc")) -}}
    {{- else if eq $type "logs" -}}
      {{- $_ := set $out "options" (dict "showTime" true "wrapLogMessage" true "enableLogDetails" true "sortOrder" "Descending") -}}
    {{- else if eq $type "stat" -}}
      {{- $_ := set $out "options" (dict "colorMode" "value" "graphMode" "area" "reduceOptions" (dict "calcs" (list "lastNotNull"))) -}}
    {{- end -}}
    {{- $defaults := dict "custom" $custom -}}
    {{- with $panel.unit }}{{ $_ := set $defaults "unit" . }}{{ end -}}
    {{- with $panel.thresholds -}}
      {{- $steps := list (dict "color" "green" "value" nil) -}}
      {{- range . }}{{ $steps = append $steps (dict "color" .color "value" .value) }}{{ end -}}
      {{- $_ := set $defaults "thresholds" (dict "mode" "absolute" "steps" $steps) -}}
    {{- end -}}
    {{- $_ := set $out "fieldConfig" (dict "defaults" $defaults "overrides" list) -}}
  {{- end -}}
  {{- $panels = append $panels $out -}}
  {{- $x = add $x $width -}}
  {{- $line = max $line $height -}}
{{- end -}}
{{- $variables := list -}}
{{- range .variables -}}
  {{- if eq (.type | default "query") "textbox" -}}
  {{- $variables = append $variables (dict "name" .name "label" (.label | default .name) "type" "textbox" "query" "" "current" (dict "text" "" "value" "")) -}}
  {{- else -}}
  {{- $variables = append $variables (dict "name" .name "label" (.label | default .name) "type" "query" "refresh" 2 "includeAll" true "multi" true "allValue" ".*" "current" (dict "text" "All" "value" "$__all") "sort" 1 "query" (dict "query" .query "refId" "A") "datasource" (dict "type" "prometheus" "uid" "thanos")) -}}
  {{- end -}}
{{- end -}}
{{- $links := list -}}
{{- range .links -}}
  {{- $links = append $links (dict "title" .title "type" "link" "icon" "dashboard" "url" (printf "/d/%s" .uid) "keepTime" true) -}}
{{- end -}}
{{- dict "title" .title "uid" .uid "tags" (concat (list "platform") (.tags | default list)) "schemaVersion" 39 "version" 1 "editable" false "graphTooltip" 1 "refresh" "30s" "timezone" "browser" "time" (dict "from" (.from | default "now-1h") "to" "now") "templating" (dict "list" $variables) "links" $links "annotations" (dict "list" list) "panels" $panels | toPrettyJson -}}
{{- end -}}
