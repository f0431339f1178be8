{{- define "parley.name" -}}
{{- if contains "parley" .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}{{ else }}{{ printf "%s-parley" .Release.Name | trunc 40 | trimSuffix "-" }}{{ end }}
{{- end }}

{{/* Of a part: (dict "root" $ "part" "gateway"). */}}
{{- define "parley.selector" -}}
app.kubernetes.io/name: parley
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- end }}

{{- define "parley.labels" -}}
{{ include "parley.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- end }}

{{- define "parley.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{/* A value as the command line takes it: a list with commas, a whole number in digits (1e+06 is none). */}}
{{- define "parley.value" -}}
{{- if kindIs "slice" . }}
{{- $texts := list }}
{{- range . }}{{ $texts = append $texts (include "parley.value" .) }}{{ end }}
{{- join "," $texts }}
{{- else if and (kindIs "float64" .) (eq . (floor .)) }}{{ int64 . }}
{{- else }}{{ . }}
{{- end }}
{{- end }}

{{/* Options as arguments: (dict "root" $ "part" "gateway"). Those of the part go over those of all. */}}
{{- define "parley.options" -}}
{{- range $name, $value := merge (dict) (index .root.Values .part).options .root.Values.options }}
- {{ printf "--%s=%s" $name (include "parley.value" $value) | toJson }}
{{- end }}
{{- end }}

{{/* MiB in "1536mb", "2gb", "512Mi", "2Gi"; empty for what is written otherwise. */}}
{{- define "parley.mebibytes" -}}
{{- $number := regexFind "^[0-9]+" . | int64 }}
{{- if regexMatch "^[0-9]+(gb|Gi)$" . }}{{ mul $number 1024 }}
{{- else if regexMatch "^[0-9]+(mb|Mi)$" . }}{{ $number }}
{{- end }}
{{- end }}

{{/* Fails where values contradict each other; values.schema.json says what each of them may be. */}}
{{- define "parley.check" -}}
{{- $redis := .Values.redis }}
{{- if eq .Values.topology "tiers" }}
{{- if $redis.inCluster }}
{{- if $redis.url }}{{ fail "redis.url names another Redis: set redis.inCluster to false, or leave it empty" }}{{ end }}
{{- if $redis.tlsSecret }}{{ fail "redis.tlsSecret: the Redis in the cluster speaks no TLS" }}{{ end }}
{{- $most := include "parley.mebibytes" $redis.maxmemory }}
{{- $limit := include "parley.mebibytes" (dig "limits" "memory" "" $redis.resources | toString) }}
{{- if and $most $limit }}
{{- if ge (int64 $most) (int64 $limit) }}{{ fail "redis.maxmemory must be below redis.resources.limits.memory: Redis would be killed in place of refusing" }}{{ end }}
{{- end }}
{{- else if not $redis.url }}{{ fail "redis.url: where Redis is, since redis.inCluster is off" }}
{{- else if ne (hasPrefix "rediss" $redis.url) (not (empty $redis.tlsSecret)) }}{{ fail "redis.tlsSecret goes with a redis.url of rediss…, and only with one" }}
{{- end }}
{{- if and $redis.tlsClientCertificate (not $redis.tlsSecret) }}{{ fail "redis.tlsClientCertificate: it is in redis.tlsSecret, which is empty" }}{{ end }}
{{- end }}
{{- end }}

{{- define "parley.redisUrl" -}}
{{- if .Values.redis.inCluster -}}
redis://{{ include "parley.name" . }}-redis:6379
{{- else -}}
{{ .Values.redis.url }}
{{- end }}
{{- end }}

{{/* What the restricted Pod Security Standard asks of a pod, and of a container. */}}
{{- define "parley.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "parley.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* Restart what is stuck; send nothing to what is not ready. The start may take as long as a large store needs. */}}
{{- define "parley.probes" -}}
startupProbe:
  httpGet: {path: /healthz, port: admin}
  periodSeconds: 2
  failureThreshold: 150
livenessProbe:
  httpGet: {path: /healthz, port: admin}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 3
readinessProbe:
  httpGet: {path: /readyz, port: admin}
  periodSeconds: 2
  timeoutSeconds: 3
  failureThreshold: 2
{{- end }}

{{/* Apart from each other where there is room: (dict "root" $ "part" "gateway"). */}}
{{- define "parley.spread" -}}
{{- range $key := list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
- topologyKey: {{ $key }}
  maxSkew: 1
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      {{- include "parley.selector" $ | nindent 6 }}
{{- end }}
{{- end }}

{{/* What every pod of ours has: (dict "root" $ "part" "gateway"). */}}
{{- define "parley.podMetadata" -}}
labels:
  {{- include "parley.labels" . | nindent 2 }}
annotations:
  prometheus.io/scrape: "true"
  prometheus.io/port: "8081"
  prometheus.io/path: /metrics
{{- end }}

{{- define "parley.podCommon" -}}
automountServiceAccountToken: false
enableServiceLinks: false
terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- include "parley.podSecurity" 10001 | nindent 2 }}
{{- end }}

{{/* TLS between gateways and nodes. */}}
{{- define "parley.rpcTlsOptions" -}}
{{- if .Values.rpcTls.secret }}
- --rpc-tls-cert=/run/secrets/rpc-tls/tls.crt
- --rpc-tls-key=/run/secrets/rpc-tls/tls.key
- --rpc-tls-ca=/run/secrets/rpc-tls/ca.crt
{{- end }}
{{- end }}

{{/* Of network policies. */}}
{{- define "parley.dns" }}
- ports:
    - {port: 53, protocol: UDP}
    - {port: 53, protocol: TCP}
{{- end }}

{{- define "parley.metrics" }}
- from:
    - namespaceSelector: {{ toJson .Values.networkPolicy.metricsFrom }}
  ports:
    - {port: admin}
{{- end }}

{{- define "parley.policy" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "parley.name" .root }}-{{ .part }}
  labels:
    {{- include "parley.labels" . | nindent 4 }}
spec:
  podSelector:
    matchLabels:
      {{- include "parley.selector" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
{{- end }}
