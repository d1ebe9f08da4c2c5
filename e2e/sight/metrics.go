package sight

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// Metric is what is to be known of one.
type Metric struct {
	Type   string
	Labels string // in order, with spaces between them
	Help   string // empty if nobody says
}

// Metrics are known by their names.
type Metrics map[string]Metric

// row is a metric's line in a table of docs/metrics.md.
var row = regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| ([a-z]+) \\|([a-z_` ]*)\\| (.*) \\|$")

// Documented reads the tables of docs/metrics.md.
func Documented(path string) (Metrics, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	found := Metrics{}
	for _, cells := range row.FindAllStringSubmatch(string(text), -1) {
		found[cells[1]] = Metric{Type: cells[2], Labels: inOrder(strings.Fields(strings.ReplaceAll(cells[3], "`", ""))), Help: cells[4]}
	}
	return found, nil
}

// Exposed reads what /metrics says.
func Exposed(text string) (Metrics, error) {
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("reading /metrics: %w", err)
	}
	found := Metrics{}
	for name, family := range families {
		found[name] = Metric{Type: strings.ToLower(family.GetType().String()), Labels: labels(family), Help: family.GetHelp()}
	}
	return found, nil
}

// labels are those that any of the family's series has.
func labels(family *dto.MetricFamily) string {
	names := map[string]bool{}
	for _, series := range family.GetMetric() {
		for _, label := range series.GetLabel() {
			names[label.GetName()] = true
		}
	}
	return inOrder(slices.Collect(maps.Keys(names)))
}

func inOrder(labels []string) string {
	slices.Sort(labels)
	return strings.Join(labels, " ")
}

// Compare says how what is documented differs from what is exposed, of gitonly's
// own metrics; of others it says only which are documented and don't exist.
func Compare(documented, exposed Metrics) []string {
	var differences []string
	for name, is := range exposed {
		said, ok := documented[name]
		switch {
		case !strings.HasPrefix(name, "gitonly_"):
		case !ok:
			differences = append(differences, name+" isn't documented")
		case said != is:
			differences = append(differences, fmt.Sprintf("%s is documented as %+v, and is %+v", name, said, is))
		}
	}
	for name := range documented {
		if _, ok := exposed[name]; !ok {
			differences = append(differences, name+" is documented, and isn't there")
		}
	}
	slices.SortFunc(differences, func(a, b string) int { return cmp.Compare(a, b) })
	return differences
}
