// Package deploy is how an agent is run for others: units for systemd, an image, a compose file and a sidecar for Kubernetes, a
// dashboard and alerts. There is no code here; the tests hold the files against the real program and, where this machine has
// them, against systemd-analyze, strace and promtool.
package deploy
