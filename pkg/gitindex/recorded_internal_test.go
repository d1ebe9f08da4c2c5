package gitindex

import "testing"

func TestFieldsAreIgnoredInTheObjectsThatArgoCDMeans(t *testing.T) {
	deployment := Key{Group: "apps", Kind: "Deployment", Namespace: "prod", Name: "web"}
	for _, test := range []struct {
		name   string
		ignore FieldIgnore
		key    Key
		want   bool
	}{
		{"a kind", FieldIgnore{Group: "apps", Kind: "Deployment"}, deployment, true},
		{"another kind", FieldIgnore{Group: "apps", Kind: "StatefulSet"}, deployment, false},
		{"no group is the core one", FieldIgnore{Kind: "Deployment"}, deployment, false},
		{"a kind of the core group", FieldIgnore{Kind: "Secret"}, Key{Kind: "Secret", Name: "web"}, true},
		{"any", FieldIgnore{Group: "*", Kind: "*"}, deployment, true},
		{"any, the core group too", FieldIgnore{Group: "*", Kind: "*"}, Key{Kind: "Secret", Name: "web"}, true},
		{"one of some kinds", FieldIgnore{Group: "apps", Kind: "{Deployment,StatefulSet}"}, deployment, true},
		{"none of some kinds", FieldIgnore{Group: "apps", Kind: "{DaemonSet,StatefulSet}"}, deployment, false},
		{"one of some groups, the core one among them", FieldIgnore{Group: "{,apps}", Kind: "*"}, Key{Kind: "Secret", Name: "web"}, true},
		{"the end of a group", FieldIgnore{Group: "*.example.com", Kind: "*"}, Key{Group: "db.example.com", Kind: "Cluster", Name: "a"}, true},
		{"another end", FieldIgnore{Group: "*.example.com", Kind: "*"}, Key{Group: "example.com", Kind: "Cluster", Name: "a"}, false},
		{"anything but some characters", FieldIgnore{Group: "apps", Kind: "[!S]*"}, deployment, true},
		{"letters count in their case", FieldIgnore{Group: "apps", Kind: "deployment"}, deployment, false},
		{"what can't be read", FieldIgnore{Group: "apps", Kind: "[D"}, deployment, false},
		{"an object", FieldIgnore{Group: "apps", Kind: "*", Namespace: "prod", Name: "web"}, deployment, true},
		{"a name is no pattern", FieldIgnore{Group: "apps", Kind: "*", Name: "w*"}, deployment, false},
		{"another namespace", FieldIgnore{Group: "apps", Kind: "*", Namespace: "test"}, deployment, false},
	} {
		if got := test.ignore.covers(test.key); got != test.want {
			t.Errorf("%s: %t, want %t", test.name, got, test.want)
		}
	}
}
