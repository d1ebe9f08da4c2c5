package fields_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	kschema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/kube-openapi/pkg/schemaconv"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"sigs.k8s.io/structured-merge-diff/v6/schema"

	"gitonly.dev/gitonly/pkg/gitindex"
	"gitonly.dev/gitonly/pkg/policy/fields"
)

// gadget has a schema, and two versions without a conversion. v2 has no old, and
// its scale changes another field.
var (
	gadget   = kschema.GroupVersionKind{Group: "example.com", Version: "v1", Kind: "Gadget"}
	gadgetV2 = gadget.GroupKind().WithVersion("v2")
)

const gadgetSchema = `
type: object
properties:
  metadata: {type: object}
  spec:
    type: object
    properties:
      old: {type: string}
      size: {x-kubernetes-int-or-string: true}
      mode: {type: string, default: Slow}
      pause: {type: string, nullable: true, default: night}
      ports:
        type: array
        x-kubernetes-list-type: map
        x-kubernetes-list-map-keys: [number, protocol]
        items:
          type: object
          properties:
            number: {type: integer}
            protocol: {type: string, default: TCP}
            target: {type: string}
            timeout: {type: integer, default: 30}
      colours: {type: array, x-kubernetes-list-type: set, items: {type: string}}
      steps:
        type: array
        items:
          type: object
          properties:
            run: {type: string}
            retries: {type: integer, default: 3}
            when: {type: object, default: {}, properties: {event: {type: string, default: push}}}
      selector: {type: object, x-kubernetes-map-type: atomic, additionalProperties: {type: string}}
      rollout:
        type: object
        default: {}
        properties:
          strategy: {type: string, default: Even}
          waves: {type: array, items: {type: integer}, default: [1, 2]}
      scaling: {type: object, x-kubernetes-map-type: atomic, properties: {least: {type: integer}, count: {type: integer}}}
      free: {type: object, x-kubernetes-preserve-unknown-fields: true}
`

// published is a fields.Schemas of gadgets.
type published map[kschema.GroupVersionKind]*schema.Schema

const gadgetType = "Gadget"

func (p published) Schema(gvk kschema.GroupVersionKind) (*schema.Schema, schema.TypeRef) {
	name := gadgetType
	return p[gvk], schema.TypeRef{NamedType: &name}
}

func (p published) Unconverted(kind kschema.GroupKind) bool { return kind == gadget.GroupKind() }

func (p published) Replicas(gvk kschema.GroupVersionKind) []string {
	return map[kschema.GroupVersionKind][]string{gadget: {"spec", "size"}, gadgetV2: {"spec", "scaling", "count"}}[gvk]
}

// gadgets are the built-in types, and gadgets.
func gadgets(t *testing.T) *fields.Types {
	t.Helper()
	return builtinTypes(t).With(gadgetSchemas(t))
}

func gadgetSchemas(t *testing.T) published {
	t.Helper()
	known := published{}
	for _, kind := range []kschema.GroupVersionKind{gadget, gadgetV2} {
		model := &spec.Schema{}
		if err := json.Unmarshal(toJSON(t, gadgetSchema), model); err != nil {
			t.Fatal(err)
		}
		if kind.Version == "v2" {
			delete(model.Properties["spec"].Properties, "old")
		}
		var err error
		if known[kind], err = schemaconv.ToSchemaFromOpenAPI(map[string]*spec.Schema{gadgetType: model}, false); err != nil {
			t.Fatal(err)
		}
	}
	return known
}

func TestCompareByAPublishedSchema(t *testing.T) {
	types := gadgets(t)
	for _, test := range []struct {
		name     string
		kind     kschema.GroupVersionKind // v1 if empty
		git      string
		old, new string
		want     []string
	}{
		{
			name: "an item of a keyed list is named by its keys, defaults among them",
			git:  "spec: {ports: [{number: 80, target: http}]}",
			old:  "spec: {ports: [{number: 80, protocol: TCP, target: http, timeout: 30}]}", new: "spec: {ports: [{number: 80, protocol: TCP, target: other, timeout: 30}]}",
			want: []string{`declared spec.ports[number=80,protocol=TCP].target: git "http", old "http", new "other"`},
		},
		{
			name: "an item of a keyed list that Git is silent about",
			git:  "spec: {ports: [{number: 80}]}",
			old:  "spec: {ports: [{number: 80, protocol: TCP}]}", new: "spec: {ports: [{number: 80, protocol: UDP}, {number: 80, protocol: TCP}]}",
			want: []string{`undeclared spec.ports[number=80,protocol=UDP]: git -, old -, new {"number":80,"protocol":"UDP"}`},
		},
		{
			name: "two items whose keys could be told apart only with quotes",
			git:  "spec: {ports: [{number: 80, protocol: 'A,number=81'}]}",
			old:  "spec: {ports: [{number: 80, protocol: 'A,number=81'}]}", new: "spec: {ports: [{number: 80, protocol: 'A,number=81', target: x}]}",
			want: []string{`undeclared spec.ports[number=80,protocol="A,number=81"].target: git -, old -, new "x"`},
		},
		{
			name: "a set that Git declares empty leaves", git: "spec: {colours: []}",
			old: "spec: {colours: []}", new: "spec: {}",
			want: []string{"declared spec.colours: git [], old [], new -"},
		},
		{
			name: "an item returns with its defaults",
			git:  "spec: {ports: [{number: 80, target: http}]}",
			old:  "spec: {ports: []}", new: "spec: {ports: [{number: 80, protocol: TCP, target: http, timeout: 30}]}",
		},
		{
			name: "an item returns with something else than its default",
			git:  "spec: {ports: [{number: 80, target: http}]}",
			old:  "spec: {ports: []}", new: "spec: {ports: [{number: 80, protocol: TCP, target: http, timeout: 31}]}",
			want: []string{"undeclared spec.ports[number=80,protocol=TCP].timeout: git -, old -, new 31"},
		},
		{
			name: "a set's value leaves", git: "spec: {colours: [red]}",
			old: "spec: {colours: [blue, red]}", new: "spec: {colours: [blue]}",
			want: []string{`declared spec.colours[red]: git "red", old "red", new -`},
		},
		{
			name: "a set's undeclared value leaves", git: "spec: {colours: [red]}",
			old: "spec: {colours: [blue, red]}", new: "spec: {colours: [red]}",
			want: []string{`undeclared spec.colours[blue]: git -, old "blue", new -`},
		},
		{
			name: "a default in a list that is one value is Git's", git: "spec: {steps: [{run: build}]}",
			old: "spec: {steps: [{run: build, retries: 3, when: {event: push}}]}", new: "spec: {steps: [{run: build, retries: 4, when: {event: tag}}]}",
			want: []string{"declared spec.steps[0].retries: git 3, old 3, new 4", `declared spec.steps[0].when.event: git "push", old "push", new "tag"`},
		},
		{
			name: "a default in a list that is one value returns", git: "spec: {steps: [{run: build}]}",
			old: "spec: {steps: [{run: build, retries: 4, when: {event: tag}}]}", new: "spec: {steps: [{run: build, retries: 3, when: {event: push}}]}",
		},
		{
			name: "what the schema doesn't have is left out of a list that is one value", git: "spec: {steps: [{run: build, nobody: 1}]}",
			old: "spec: {steps: []}", new: "spec: {steps: [{run: build, retries: 3, when: {event: push}}]}",
		},
		{
			name: "an atomic map is Git's as a whole", git: "spec: {selector: {app: web}}",
			old: "spec: {selector: {app: web}}", new: "spec: {selector: {app: web, tier: front}}",
			want: []string{`declared spec.selector.tier: git -, old -, new "front"`},
		},
		{
			name: "a number and the same text are two values", git: "spec: {size: 1}",
			old: "spec: {size: 1}", new: `spec: {size: "1"}`,
			want: []string{`declared spec.size: git 1, old 1, new "1"`},
		},
		{
			name: "a quantity in another spelling is another value, as the API server keeps it", git: "spec: {size: 1000m}",
			old: "spec: {size: 1000m}", new: `spec: {size: "1"}`,
			want: []string{`declared spec.size: git "1000m", old "1000m", new "1"`},
		},
		{
			name: "unknown fields count where the schema keeps them", git: "spec: {free: {deep: {list: [1, 2]}}}",
			old: "spec: {free: {deep: {list: [1, 2]}}}", new: "spec: {free: {deep: {list: [1, 2], more: 1}}}",
			want: []string{"undeclared spec.free.deep.more: git -, old -, new 1"},
		},
		{
			name: "a default comes with the structure that it is in", git: "spec: {size: 1}",
			old: "{}", new: "spec: {size: 1, mode: Slow, pause: night, rollout: {strategy: Even, waves: [1, 2]}}",
		},
		{
			name: "a default goes with the structure that it is in", git: "spec: {size: 1}",
			old: "spec: {size: 1, mode: Slow}", new: "{}",
			want: []string{"declared spec.size: git 1, old 1, new -"},
		},
		{
			name: "what comes with the structure and is no default", git: "spec: {size: 1}",
			old: "{}", new: "spec: {size: 1, mode: Fast, rollout: {strategy: Even, waves: [1]}}",
			want: []string{`undeclared spec.mode: git -, old -, new "Fast"`, `undeclared spec.rollout: git -, old -, new {"strategy":"Even","waves":[1]}`},
		},
		{
			name: "a default is left", git: "spec: {size: 1}",
			old: "spec: {size: 1, mode: Slow}", new: "spec: {size: 1, mode: Fast}",
			want: []string{`undeclared spec.mode: git -, old "Slow", new "Fast"`},
		},
		{
			name: "null takes the place of a default where it may", git: "spec: {size: 1}",
			old: "spec: {size: 1, pause: night}", new: "spec: {size: 1, pause: null}",
			want: []string{`undeclared spec.pause: git -, old "night", new -`},
		},
		{
			name: "Git says null where it is a value", git: "spec: {pause: null}",
			old: "spec: {pause: null}", new: "spec: {pause: night}",
			want: []string{`declared spec.pause: git null, old -, new "night"`},
		},
		{
			name: "Git's null returns", git: "spec: {pause: null}",
			old: "spec: {pause: night}", new: "spec: {pause: null}",
		},
		{
			name: "Git says null where it is none", git: "spec: {mode: null}",
			old: "spec: {mode: Slow}", new: "spec: {mode: Fast}",
			want: []string{`undeclared spec.mode: git -, old "Slow", new "Fast"`},
		},
		{
			name: "Git declares what the schema doesn't have", git: "spec: {nobody: 1, size: 1}",
			old: "spec: {size: 2}", new: "spec: {size: 1}",
		},
		{
			name: "encrypted values are opaque, the others are compared", git: "spec: {size: 1, mode: 'ENC[AES256_GCM,data:x]', steps: [{run: 'ENC[AES256_GCM,data:x]'}]}\nsops: {mac: x}",
			old:  "spec: {size: 1, mode: Fast, steps: [{run: build}]}",
			new:  "spec: {size: 2, mode: Slow, steps: [{run: guess}]}",
			want: []string{"declared spec.mode: git (hidden), old (hidden), new (hidden)", "declared spec.size: git 1, old 1, new 2", "declared spec.steps[0].run: git (hidden), old (hidden), new (hidden)"},
		},
		{
			name: "an object that lives encrypted is compared by its ciphertext", git: "spec: {mode: 'ENC[x]'}\nsops: {mac: x}",
			old: "spec: {mode: 'ENC[y]'}\nsops: {mac: x}", new: "spec: {mode: 'ENC[x]'}\nsops: {mac: x}",
		},
		{
			name: "an empty map of metadata isn't stored", git: "metadata: {annotations: {}, creationTimestamp: null}",
			old: "metadata: {annotations: {a: b}}", new: "{}",
			want: []string{`undeclared metadata.annotations.a: git -, old "b", new -`},
		},
		{
			name: "a kind whose schema isn't known", kind: widget, git: "spec: {ports: [{number: 80}]}",
			old: "spec: {ports: [{number: 80}]}", new: "spec: {ports: [{number: 80}, {number: 81}]}",
			want: []string{`declared spec.ports: git [{"number":80}], old [{"number":80}], new [{"number":80},{"number":81}]`},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			kind := gadget
			if !test.kind.Empty() {
				kind = test.kind
			}
			change, err := types.Compare(fields.Update{Type: kind, Declared: gitindex.NewManifest(toJSON(t, test.git)), Old: toJSON(t, test.old), New: toJSON(t, test.new)})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, describeAll(change)); diff != "" {
				t.Errorf("differences (-want +got):\n%s", diff)
			}
		})
	}
}

func describeAll(change fields.Change) []string {
	var all []string
	for _, d := range change.Differences {
		all = append(all, describe(d))
	}
	return all
}
