// Package sight holds what operators look at to what gitonly really measures: the
// list in docs/metrics.md, the alerts, the dashboard.
package sight
