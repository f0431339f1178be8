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

{{/* Options as arguments: (dict "root" $ "part" "gateway"). Those of the part go over those of all. */}}
{{- define "parley.options" -}}
{{- range $name, $value := merge (dict) (index .root.Values .part).options .root.Values.options }}
- --{{ $name }}={{ $value }}
{{- end }}
{{- end }}

{{- define "parley.redisUrl" -}}
{{- if .Values.redis.inCluster -}}
redis://{{ include "parley.name" . }}-redis:6379
{{- else -}}
{{ required "redis.url: where Redis is, since redis.inCluster is off" .Values.redis.url }}
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
