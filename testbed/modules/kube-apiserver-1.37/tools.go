//go:build tools

// Package tools pins the API server of another minor version.
package tools

import _ "k8s.io/kubernetes/cmd/kube-apiserver"
