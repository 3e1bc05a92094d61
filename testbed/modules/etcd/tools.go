//go:build tools

// Package tools pins the etcd server of the testbed.
package tools

import _ "go.etcd.io/etcd/server/v3"
