package fields_test

import (
	"strings"
	"testing"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy/fields"
)

func TestExpressionsThatPeopleWrite(t *testing.T) {
	for _, expression := range []string{
		`.spec.replicas`,
		`.spec.template.spec.initContainers[] | select(.name == "injected-init-container")`,
		`.webhooks[]?.clientConfig.caBundle`,
		`.spec.versions[].schema`,
		`.spec.versions[]?.schema.openAPIV3Schema`,
		`.spec.volumeClaimTemplates[]?.metadata.creationTimestamp`,
		`.spec.alternateBackends[]?.weight`,
		`.spec.ports[] | select(.nodePort != null) | .nodePort`,
		`.spec.template.metadata.annotations["linkerd.io/proxy-version"]`,
		`.metadata.annotations."example.com/build"`,
		`.data["SECRET_KEY"], .data["ACCESS_KEY"], .stringData["SECRET_KEY"]`,
		`.spec.template.spec.containers[] | select(.name == "web").env[]? | select(.name | startswith("OTEL_"))`,
		`.spec.template.spec.containers[]?.resources | select(.limits and (.requests | not))`,
		`.spec.rules[] | select(.host | test("^www\\."; "i"))`,
		`.spec.rules[] | select(any(.http.paths[]; .path == "/" and .pathType != "Exact"))`,
		`.spec.template.spec.volumes[] | select(.name | IN("a", "b"))`,
		`.spec.template.spec.volumes[] | select(.name | in({"a": 1, b: 2}))`,
		`.spec.template.spec.volumes[] | select(.name | inside("a b"))`,
		`.metadata.labels | select(has("team")) | .team`,
		`.metadata.labels | .[keys[] | select(ltrimstr("app.") | ascii_downcase | endswith("x"))]`,
		`.metadata.labels | .["a" + "b"]`,
		`.spec.items[] | select(.name == "web-\("x")" or .id - 1 > -2)`,
		`.. | objects | select(has("creationTimestamp")) | .creationTimestamp`,
		`.. | .creationTimestamp?`,
		`recurse | .status?`,
		`if .spec.paused then .spec.replicas else empty end`,
		`if .a then .b elif .c then .d else empty end`,
		`try .spec.items[].x catch empty`,
		`.spec.a // .spec.b`,
		`first(.spec.items[]), last(.spec.items[])`,
		`.spec.items[1:], .spec.items[-1], .spec.items[:-1]`,
		`getpath(["spec", "replicas"])`,
		`(.spec | .replicas)`,
		`.spec.items[] | select(contains({a: ["x"]}))`,
		".spec.replicas # as the autoscaler says\n",
	} {
		if _, err := fields.ParseJQ(expression); err != nil {
			t.Error(err)
		}
	}
}

func TestExpressionsThatAreNotTaken(t *testing.T) {
	for expression, want := range map[string]string{
		`range(1e9) | .spec`:                  `jq expression "range(1e9) | .spec": the function range/1 is not supported`,
		`.spec | until(false; .)`:             `jq expression ".spec | until(false; .)": the function until/2 is not supported`,
		`while(true; .)`:                      `jq expression "while(true; .)": the function while/2 is not supported`,
		`repeat(.)`:                           `jq expression "repeat(.)": the function repeat/1 is not supported`,
		`recurse(.)`:                          `jq expression "recurse(.)": the function recurse/1 is not supported`,
		`limit(1; .a)`:                        `jq expression "limit(1; .a)": the function limit/2 is not supported`,
		`input`:                               `jq expression "input": the function input is not supported`,
		`.[env.HOME]`:                         `jq expression ".[env.HOME]": the function env is not supported`,
		`.[$ENV.HOME]`:                        `jq expression ".[$ENV.HOME]": the function $ENV is not supported`,
		`select(now > 0)`:                     `jq expression "select(now > 0)": the function now is not supported`,
		`select(.a | tojson == "1")`:          `jq expression "select(.a | tojson == \"1\")": the function tojson is not supported`,
		`getpath(.a)`:                         `jq expression "getpath(.a)": the function getpath is supported with a constant only`,
		`select(contains(.))`:                 `jq expression "select(contains(.))": the function contains is supported with a constant only`,
		`def f: f; f`:                         `jq expression "def f: f; f": defining a function (def f) is not supported`,
		`.a | (def f: f; f)`:                  `jq expression ".a | (def f: f; f)": defining a function (def f) is not supported`,
		`. as $x | .a`:                        `jq expression ". as $x | .a": variables (as) are not supported`,
		`reduce .[] as $x (0; . + 1)`:         `jq expression "reduce .[] as $x (0; . + 1)": reduce is not supported`,
		`foreach .[] as $x (0; . + 1)`:        `jq expression "foreach .[] as $x (0; . + 1)": foreach is not supported`,
		`label $out | .a`:                     `jq expression "label $out | .a": label and break are not supported`,
		`.a | . + .`:                          `jq expression ".a | . + .": the operator + is supported with a constant only`,
		`select("x" * 1000000000 == .)`:       `jq expression "select(\"x\" * 1000000000 == .)": the operator * is not supported`,
		`.a / .b`:                             `jq expression ".a / .b": the operator / is not supported`,
		`.a |= 1`:                             `jq expression ".a |= 1": the operator |= is not supported`,
		`.a = 1`:                              `jq expression ".a = 1": the operator = is not supported`,
		`[., .] | [., .] | .[0]`:              `jq expression "[., .] | [., .] | .[0]": arrays and objects are supported with constants in them only`,
		`{a: .} | .a`:                         `jq expression "{a: .} | .a": arrays and objects are supported with constants in them only`,
		`{a} | .a`:                            `jq expression "{a} | .a": arrays and objects are supported with constants in them only`,
		`{(.a): 1} | .a`:                      `jq expression "{(.a): 1} | .a": arrays and objects are supported with constants in them only`,
		`select("\(.)\(.)" == "x")`:           `jq expression "select(\"\\(.)\\(.)\" == \"x\")": text is supported with one value in it only`,
		`.["\(.a)\(.b)"]`:                     `jq expression ".[\"\\(.a)\\(.b)\"]": text is supported with one value in it only`,
		`."\(range(9))"`:                      `jq expression ".\"\\(range(9))\"": the function range/1 is not supported`,
		`@base64`:                             `jq expression "@base64": the format @base64 is not supported`,
		`@base64 "\(.a)"`:                     `jq expression "@base64 \"\\(.a)\"": the format @base64 is not supported`,
		`.a[range(9)]`:                        `jq expression ".a[range(9)]": the function range/1 is not supported`,
		`.a[0:input]`:                         `jq expression ".a[0:input]": the function input is not supported`,
		`if .a then input else .b end`:        `jq expression "if .a then input else .b end": the function input is not supported`,
		`if .a then .b elif input then . end`: `jq expression "if .a then .b elif input then . end": the function input is not supported`,
		`try .a catch input`:                  `jq expression "try .a catch input": the function input is not supported`,
		`-input`:                              `jq expression "-input": the function input is not supported`,
		`map(select(input))`:                  `jq expression "map(select(input))": the function input is not supported`,
		`import "a" as a; .a`:                 `jq expression "import \"a\" as a; .a": modules are not supported`,
		`.a; .b`:                              `jq expression ".a; .b": unexpected token ";"`,
		`.a) , (.b`:                           `jq expression ".a) , (.b": unexpected token ")"`,
		`/spec/replicas`:                      `jq expression "/spec/replicas": unexpected token "/"`,
		``:                                    `jq expression "": it is empty`,
		strings.Repeat("(", 5000):             `jq expression "` + strings.Repeat("(", 120) + `…": it is longer than 4096 bytes`,
	} {
		if _, err := fields.ParseJQ(expression); err == nil || err.Error() != want {
			t.Errorf("%s\n got %v\nwant %s", expression, err, want)
		}
	}
}

// Each of these would ignore the field, after a long time.
func TestWhatCostsTooMuchIgnoresNothing(t *testing.T) {
	items := strings.TrimSuffix(strings.Repeat(`{name: x}, `, 5000), ", ")
	list := `{spec: {replicas: 1, list: [` + items + `]}}`
	for _, again := range []string{
		`.spec.list | tostring`, `select(.spec == .spec)`, `select(.spec < {a: 1})`, `.spec.list | keys`, `first(.spec.list[])`, `any(.spec.list[]; true)`,
		`"\(.spec.list)"`, `.spec.list | . + ["a"]`, `.spec | to_entries`, `.spec | map(tostring)`, `.spec.list | contains(["a"])`,
	} {
		t.Run(again, func(t *testing.T) {
			query, err := fields.ParseJQ(`.spec.replicas, (select(.spec.list[] | .name) | ` + again + ` | empty)`)
			if err != nil {
				t.Fatal(err)
			}
			ignoring{
				kind: widget, git: `{}`, old: list, new: strings.Replace(list, "replicas: 1", "replicas: 2", 1), any: true,
				update: fields.Update{Ignored: []fields.Ignore{query}}, want: []string{"undeclared spec.replicas: git -, old 1, new 2"},
			}.run(t)
		})
	}
}

// FuzzParseJQ: what is taken ends, and takes fields away at most.
func FuzzParseJQ(f *testing.F) {
	types := builtinTypes(f)
	object := []byte(`{"metadata":{"name":"w"},"spec":{"replicas":1,"list":["a",{"b":[1,2.5,null,true]}]}}`)
	for _, seed := range []string{
		`.spec.list[] | select(.b?)`, `.. | select(type == "number")`, `.spec.list[1:][0].b[-1]`, `"\(.)" + "x"`, `first(.. | .b?)`, `if . then .a else [1,{a:2}] end`, `try .a catch .`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, expression string) {
		query, err := fields.ParseJQ(expression)
		if err != nil {
			return
		}
		change, err := types.Compare(fields.Update{Type: widget, Declared: gitindex.NewManifest(object), Old: object, New: object, Ignored: []fields.Ignore{query}})
		if err != nil || change.Any || change.Ignored {
			t.Errorf("%q: %+v %v", expression, change, err)
		}
	})
}
