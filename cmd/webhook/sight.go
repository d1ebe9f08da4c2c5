package main

import (
	"cmp"
	"os"

	"sigs.k8s.io/controller-runtime/pkg/client"
	crmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"gitonly.dev/gitonly/pkg/admission"
	"gitonly.dev/gitonly/pkg/metrics"
	"gitonly.dev/gitonly/pkg/reports"
)

// newMeter registers what is counted where the manager serves /metrics from.
func newMeter() (*metrics.Metrics, error) { return metrics.New(crmetrics.Registry) }

// measure has /metrics say what state the sources and the certificate are in.
func (p *parts) measure(certificate servingCertificate) error {
	return metrics.Follow(crmetrics.Registry, p.refresher.Latest, certificate)
}

// report has PolicyReports written, where that is asked for.
func (p *parts) report(direct client.Client, handling *admission.Parts) error {
	if !p.options.reports {
		return nil
	}
	reporter, err := reports.Add(p.manager, direct, p.log.WithName("reports"))
	if reporter != nil {
		handling.Departures = reporter
	}
	return err
}

// replicaName tells this replica from others: its Pod's name.
func replicaName() string {
	host, _ := os.Hostname() // a Pod's is its name
	return cmp.Or(os.Getenv("POD_NAME"), host, "unknown")
}
