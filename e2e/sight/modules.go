package sight

import (
	"context"
	"embed"
	"io"
	"strings"

	"gitonly.dev/gitonly/e2e/workshop"
)

//go:embed modules
var modules embed.FS

// pinned returns what is built of modules/NAME.mod, whose version is that of one
// module.
func pinned(name, of string) (workshop.Module, error) {
	mod, err := modules.ReadFile("modules/" + name + ".mod")
	if err != nil {
		return workshop.Module{}, err
	}
	sum, err := modules.ReadFile("modules/" + name + ".sum")
	if err != nil {
		return workshop.Module{}, err
	}
	m := workshop.Module{Name: name, Mod: mod, Sum: sum}
	version, err := m.Required(of)
	m.Name += "-" + strings.TrimPrefix(version, "v")
	return m, err
}

// Promtool returns the path of Prometheus's own tool, which it builds unless the
// cache has it, and tells progress how far it is.
func Promtool(ctx context.Context, progress io.Writer) (string, error) {
	const prometheus = "github.com/prometheus/prometheus"
	m, err := pinned("promtool", prometheus)
	if err != nil {
		return "", err
	}
	m.Tags = "remove_all_sd" // clouds' clients are most of it, and not needed for rules
	m.LinkerFlags = "-s -w"
	return workshop.Workshop{Progress: progress}.Build(ctx, m, workshop.Program{
		Name: "promtool", Module: prometheus, Package: prometheus + "/cmd/promtool", Takes: "90 seconds",
	})
}

// PolicyReports returns the path of a folder with the kinds of PolicyReports, as
// Kyverno installs them.
func PolicyReports(ctx context.Context, progress io.Writer) (string, error) {
	const kyverno = "github.com/kyverno/kyverno"
	m, err := pinned("kyverno", kyverno)
	if err != nil {
		return "", err
	}
	return workshop.Workshop{Progress: progress}.Fetch(ctx, m, kyverno, "config/crds/policyreport")
}

// Build builds and fetches all of these that aren't in the cache yet.
func Build(ctx context.Context, progress io.Writer) error {
	if _, err := Promtool(ctx, progress); err != nil {
		return err
	}
	_, err := PolicyReports(ctx, progress)
	return err
}
