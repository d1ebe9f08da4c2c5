// Package rights has the test that each right which the chart gives gitonly is
// needed: it takes one after the other away, on a real API server, and sees what
// fails. docs/security.md has the table.
package rights
