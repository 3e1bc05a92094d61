{{- define "natsctl.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end }}

{{- define "natsctl.fullname" -}}
{{- $name := include "natsctl.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{- define "natsctl.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "natsctl.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end }}

{{- define "natsctl.image" -}}
{{- $image := .Values.image -}}
{{- $name := ternary (printf "%s/%s" $image.registry $image.repository) $image.repository (ne $image.registry "") -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $name $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $name (default .Chart.AppVersion $image.tag) -}}
{{- end -}}
{{- end }}

{{- define "natsctl.selector" -}}
app.kubernetes.io/name: {{ include "natsctl.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "natsctl.labels" -}}
{{ include "natsctl.selector" . }}
app.kubernetes.io/component: operator
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "natsctl.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- define "natsctl.podSecurity" -}}
runAsNonRoot: true
{{- with .Values.securityContext }}
{{- if .enabled }}
runAsUser: {{ .runAsUser | int64 }}
runAsGroup: {{ .runAsGroup | int64 }}
fsGroup: {{ .fsGroup | int64 }}
{{- end }}
{{- end }}
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- /* A probe's numbers: all its values but `enabled`. */ -}}
{{- define "natsctl.probe" -}}
{{- toYaml (omit . "enabled") -}}
{{- end }}

{{- /* What the operator may do with NatsClusters and what belongs to them. docs/security.md says why. */ -}}
{{- define "natsctl.rules" -}}
- apiGroups: [nats.io]
  resources: [natsclusters, natsserviceroles]
  verbs: [list, watch]
- apiGroups: [nats.io]
  resources: [natsclusters/status, natsserviceroles/status]
  verbs: [patch]
- apiGroups: [nats.io]
  resources: [natsclusters/finalizers]
  verbs: [update]
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, list, watch, create, patch, delete]
{{ .Files.Get "files/owned-kinds.yaml" | trim }}
- apiGroups: [""]
  resources: [events]
  verbs: [create]
{{- if and (default dict .Values.featureGates).jetStream .Values.rbac.persistentVolumeClaims }}
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [get, list, watch, create, patch{{ if .Values.rbac.deletePersistentVolumeClaims }}, delete{{ end }}]
{{- end }}
{{- if and (default dict .Values.featureGates).jetStream .Values.rbac.podDisruptionBudgets }}
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch, delete]
{{- end }}
{{- if .Values.rbac.serviceAccountTokens }}
- apiGroups: [""]
  resources: [serviceaccounts]
  verbs: [list, watch]
- apiGroups: [""]
  resources: [serviceaccounts/token]
  verbs: [create]
{{- end }}
{{- end }}

{{- /* A CustomResourceDefinition that no uninstallation takes along. */ -}}
{{- define "natsctl.kept" -}}
{{- . | replace "\n  annotations:\n" "\n  annotations:\n    helm.sh/resource-policy: keep\n" -}}
{{- end }}

{{- define "natsctl.check" -}}
{{- if .Values.cluster -}}
{{- fail "cluster.* is not supported: a NatsCluster is not part of the operator's release, so that uninstalling the operator deletes no cluster. Create it from a manifest of its own with kubectl apply." -}}
{{- end -}}
{{- if and .Values.clusterScoped .Values.watchNamespaces -}}
{{- fail "clusterScoped and watchNamespaces are both set: choose either all namespaces or some of them." -}}
{{- end -}}
{{- if and .Values.serviceAccounts.namespaceSelectors (not .Values.clusterScoped) -}}
{{- fail "serviceAccounts.namespaceSelectors is set and clusterScoped is not: reading Namespaces requires a ClusterRole, and an operator that manages some namespaces cannot see ServiceAccounts in others. Set both, or neither." -}}
{{- end -}}
{{- if and .Values.serviceMonitor.enabled .Values.podMonitor.enabled -}}
{{- fail "serviceMonitor and podMonitor are both enabled: Prometheus would scrape everything twice. Choose one." -}}
{{- end -}}
{{- end }}
