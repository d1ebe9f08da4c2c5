package controlplane

import (
	"reflect"
	"testing"
)

func TestParseFlags(t *testing.T) {
	for name, test := range map[string]struct {
		args []string
		want []flag
		err  string
	}{
		"none": {},
		"several": {
			args: []string{"--audit-log-path=-", "--feature-gates=A=true", "--v="},
			want: []flag{{"audit-log-path", []string{"-"}}, {"feature-gates", []string{"A=true"}}, {"v", []string{""}}},
		},
		"one twice": {
			args: []string{"--service-account-issuer=a", "--v=2", "--service-account-issuer=b"},
			want: []flag{{"service-account-issuer", []string{"a", "b"}}, {"v", []string{"2"}}},
		},
		"no dashes": {args: []string{"v=2"}, err: `API server argument "v=2" isn't written --name=value`},
		"no value":  {args: []string{"--v", "2"}, err: `API server argument "--v" isn't written --name=value`},
		"no name":   {args: []string{"--=2"}, err: `API server argument "--=2" isn't written --name=value`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseFlags(test.args)
			if message(err) != test.err {
				t.Errorf("error is %q, want %q", message(err), test.err)
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}
