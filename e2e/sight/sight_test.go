package sight_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"gitonly.dev/gitonly/e2e/sight"
)

const (
	page      = "../../docs/metrics.md"
	alerts    = "../../charts/gitonly/files/alerts.yaml"
	dashboard = "../../charts/gitonly/files/dashboard.json"
	cases     = "testdata/alerts_test.yaml"
)

// promtool runs Prometheus's own tool.
func promtool(t *testing.T, args ...string) {
	t.Helper()
	command, err := sight.Promtool(t.Context(), t.Output())
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), command, args...).CombinedOutput()
	if err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func read(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

func documented(t *testing.T) sight.Metrics {
	t.Helper()
	metrics, err := sight.Documented(page)
	if err != nil {
		t.Fatal(err)
	}
	return metrics
}

type rule struct {
	Alert, Expr         string
	Labels, Annotations map[string]string
}

func rules(t *testing.T) []rule {
	t.Helper()
	var file struct {
		Groups []struct{ Rules []rule }
	}
	read(t, alerts, &file)
	var all []rule
	for _, group := range file.Groups {
		all = append(all, group.Rules...)
	}
	if len(all) == 0 {
		t.Fatalf("%s has no rules", alerts)
	}
	return all
}

func TestAlertsFireWhenTheyShould(t *testing.T) {
	promtool(t, "check", "rules", "--lint=all", "--lint-fatal", alerts)
	promtool(t, "test", "rules", cases)
}

func TestOfEachAlertIsTestedThatItFiresAndThatItDoesnt(t *testing.T) {
	var file struct {
		Tests []struct {
			Cases []struct {
				Alert    string            `json:"alertname"`
				Expected []json.RawMessage `json:"exp_alerts"`
			} `json:"alert_rule_test"`
		}
	}
	read(t, cases, &file)
	fires, silent := map[string]bool{}, map[string]bool{}
	for _, test := range file.Tests {
		for _, c := range test.Cases {
			if len(c.Expected) > 0 {
				fires[c.Alert] = true
			} else {
				silent[c.Alert] = true
			}
		}
	}
	for _, r := range rules(t) {
		if !fires[r.Alert] || !silent[r.Alert] {
			t.Errorf("%s of %s: tested that it fires: %v, that it doesn't: %v", r.Alert, cases, fires[r.Alert], silent[r.Alert])
		}
	}
}

func TestAlertsSayWhatIsWrongAndWhatToDo(t *testing.T) {
	for _, r := range rules(t) {
		if severity := r.Labels["severity"]; severity != "critical" && severity != "warning" {
			t.Errorf("%s is of severity %q", r.Alert, severity)
		}
		for _, name := range []string{"summary", "description"} {
			if text := r.Annotations[name]; !strings.HasSuffix(text, ".") {
				t.Errorf("%s has no sentence for its %s: %q", r.Alert, name, text)
			}
		}
	}
}

func TestAlertsUseWhatIsMeasured(t *testing.T) {
	metrics := documented(t)
	for _, r := range rules(t) {
		if unknown := metrics.Unknown(r.Expr); len(unknown) > 0 {
			t.Errorf("%s uses what %s doesn't have: %s", r.Alert, page, strings.Join(unknown, ", "))
		}
	}
}

// expressions are those of the dashboard, by panel or variable.
func expressions(t *testing.T) map[string][]string {
	t.Helper()
	var board struct {
		Templating struct {
			List []struct{ Name, Definition string }
		}
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	read(t, dashboard, &board)
	all := map[string][]string{}
	for _, panel := range board.Panels {
		for _, target := range panel.Targets {
			all[panel.Title] = append(all[panel.Title], target.Expr)
		}
	}
	for _, variable := range board.Templating.List {
		if inner, ok := strings.CutPrefix(variable.Definition, "label_values("); ok {
			metric, label, _ := strings.Cut(strings.TrimSuffix(inner, ")"), ", ")
			all["variable "+variable.Name] = []string{fmt.Sprintf("count by (%s) (%s)", label, metric)}
		}
	}
	if len(all) < 10 {
		t.Fatalf("%s has %d panels", dashboard, len(all))
	}
	return all
}

func TestTheDashboardShowsWhatIsMeasured(t *testing.T) {
	metrics := documented(t)
	shown := ""
	for title, expressions := range expressions(t) {
		for _, expression := range expressions {
			shown += expression + "\n"
			if unknown := metrics.Unknown(expression); len(unknown) > 0 {
				t.Errorf("%q uses what %s doesn't have: %s", title, page, strings.Join(unknown, ", "))
			}
		}
	}
	for name := range metrics {
		if strings.HasPrefix(name, "gitonly_") && name != "gitonly_source_interval_seconds" && !strings.Contains(shown, name) {
			t.Errorf("the dashboard doesn't show %s", name)
		}
	}
}

func TestTheDashboardsExpressionsCanBeRead(t *testing.T) {
	type recording struct {
		Record string `json:"record"`
		Expr   string `json:"expr"`
	}
	var all []recording
	for _, expressions := range expressions(t) {
		for _, expression := range expressions {
			expression = strings.ReplaceAll(expression, "$__rate_interval", "5m") // as Grafana puts it in
			all = append(all, recording{fmt.Sprintf("panel:%d", len(all)), expression})
		}
	}
	text, err := yaml.Marshal(map[string]any{"groups": []any{map[string]any{"name": "dashboard", "rules": all}}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "dashboard.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, "check", "rules", file)
}

func TestUnknownNamesMetricsAndLabels(t *testing.T) {
	metrics := sight.Metrics{
		"gitonly_a":         {Type: "counter", Labels: "outcome reason"},
		"gitonly_b_seconds": {Type: "histogram"},
	}
	for expression, want := range map[string][]string{
		`sum by (outcome, job) (rate(gitonly_a{reason="x"}[5m]))`:                   nil,
		`histogram_quantile(0.9, sum by (le) (rate(gitonly_b_seconds_bucket[5m])))`: nil,
		`gitonly_b_seconds_count + on (instance) gitonly_c`:                         {"gitonly_c"},
		`gitonly_a_sum`:     {"gitonly_a_sum"},
		`gitonly_b_seconds`: {"gitonly_b_seconds"},
		`sum by (user, outcome) (gitonly_a{name=~"x", reason!="y"})`: {"name", "user"},
	} {
		if got := metrics.Unknown(expression); !slices.Equal(got, want) {
			t.Errorf("%s: unknown %q, want %q", expression, got, want)
		}
	}
}
