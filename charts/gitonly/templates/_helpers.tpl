{{- define "gitonly.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" }}
{{- end }}

{{- /* Names with a suffix stay under the 63 characters of a Service. */ -}}
{{- define "gitonly.fullname" -}}
{{- $name := include "gitonly.name" . }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "gitonly.serviceAccountName" -}}
{{- default (include "gitonly.fullname" .) .Values.serviceAccount.name }}
{{- end }}

{{- /* YAML without quotes makes false of Off. */ -}}
{{- define "gitonly.mode" -}}
{{- .Values.mode | default "Off" }}
{{- end }}

{{- define "gitonly.selectorLabels" -}}
app.kubernetes.io/name: {{ include "gitonly.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- /* Labels that no upgrade changes, nor commonLabels: for gitonly's own kinds, which only Git may change. */ -}}
{{- define "gitonly.steadyLabels" -}}
{{ include "gitonly.selectorLabels" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "gitonly.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "gitonly.steadyLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "gitonly.metadata" -}}
name: {{ include "gitonly.fullname" . }}
namespace: {{ .Release.Namespace }}
labels:
  {{- include "gitonly.labels" . | nindent 2 }}
{{- end }}

{{- define "gitonly.clusterMetadata" -}}
name: {{ include "gitonly.fullname" . }}
labels:
  {{- include "gitonly.labels" . | nindent 2 }}
{{- end }}

{{- define "gitonly.image" -}}
{{- $image := .Values.image.repository }}
{{- with .Values.image.registry }}{{ $image = printf "%s/%s" (trimSuffix "/" .) $image }}{{ end }}
{{- if .Values.image.digest -}}
{{ $image }}@{{ .Values.image.digest }}
{{- else -}}
{{ $image }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end }}
{{- end }}

{{- define "gitonly.tlsSecret" -}}
{{- if eq .Values.certificates.provider "Existing" }}
{{- .Values.certificates.existing.secretName }}
{{- else }}
{{- include "gitonly.fullname" . }}-tls
{{- end }}
{{- end }}

{{- /* Non-empty where Helm itself installs. Who only renders, as Argo CD does, can look up nothing. */ -}}
{{- define "gitonly.live" -}}
{{- if lookup "v1" "Namespace" "" "kube-system" }}true{{ end }}
{{- end }}

{{- /*
caBundle of the registration, in base64. gitonly, or cert-manager, keeps it there, and Helm leaves it alone. A
registration that was deleted comes back with what the Secret says, or writes would fail until somebody has set it.
From then on the field belongs to who applies the rest, and who takes it away unless it is rendered as it is.
*/ -}}
{{- define "gitonly.caBundle" -}}
{{- if eq .Values.certificates.provider "Existing" }}
{{- .Values.certificates.existing.caBundle | b64enc }}
{{- else }}
{{- $registration := lookup "admissionregistration.k8s.io/v1" "ValidatingWebhookConfiguration" "" (include "gitonly.fullname" .) }}
{{- if not $registration }}
{{- lookup "v1" "Secret" .Release.Namespace (include "gitonly.tlsSecret" .) | dig "data" "ca.crt" "" }}
{{- else }}
{{- range $registration.metadata.managedFields }}
{{- if and (contains "\"f:rules\"" (toJson .fieldsV1)) (contains "\"f:caBundle\"" (toJson .fieldsV1)) }}
{{- (first $registration.webhooks).clientConfig.caBundle }}
{{- break }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- /* Non-empty where the cluster has, or is said to have, the agent. */ -}}
{{- define "gitonly.argoCD" -}}
{{- if eq (toString .Values.argoCD.enabled) "auto" }}
{{- if .Capabilities.APIVersions.Has "argoproj.io/v1alpha1/Application" }}true{{ end }}
{{- else if .Values.argoCD.enabled }}true{{ end }}
{{- end }}

{{- define "gitonly.flux" -}}
{{- if eq (toString .Values.flux.enabled) "auto" }}
{{- if .Capabilities.APIVersions.Has "kustomize.toolkit.fluxcd.io/v1/Kustomization" }}true{{ end }}
{{- else if .Values.flux.enabled }}true{{ end }}
{{- end }}

{{- define "gitonly.podSecurityContext" -}}
runAsNonRoot: true
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "gitonly.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}
