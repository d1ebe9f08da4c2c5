package sight

import (
	"context"
	_ "embed"
	"io"
	"strings"

	"gitonly.dev/gitonly/e2e/workshop"
)

const prometheus = "github.com/prometheus/prometheus"

//go:embed promtool.mod
var promtoolMod []byte

//go:embed promtool.sum
var promtoolSum []byte

// Promtool returns the path of Prometheus's own tool, which it builds unless the
// cache has it, and tells progress how far it is.
func Promtool(ctx context.Context, progress io.Writer) (string, error) {
	m := workshop.Module{
		Name: "promtool", Mod: promtoolMod, Sum: promtoolSum,
		Tags:        "remove_all_sd", // clouds' clients are most of it, and not needed for rules
		LinkerFlags: "-s -w",
	}
	version, err := m.Required(prometheus)
	if err != nil {
		return "", err
	}
	m.Name += "-" + strings.TrimPrefix(version, "v")
	return workshop.Workshop{Progress: progress}.Build(ctx, m, workshop.Program{
		Name: "promtool", Module: prometheus, Package: prometheus + "/cmd/promtool", Takes: "90 seconds",
	})
}
