package attribution

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNameWords(t *testing.T) {
	for name, want := range map[string][]string{
		"":                      nil,
		"--":                    nil,
		"supportBot-v2":         {"support", "bot", "v2"},
		"finops_shared.svc":     {"finops", "shared", "svc"},
		"AWSReservedSSO_Admins": {"awsreserved", "sso", "admins"},
		"a\ufffdb":              {"a", "b"},
		"Überprüfung/Agent 9":   {"überprüfung", "agent", "9"},
	} {
		if d := cmp.Diff(NameWords(name), want); d != "" {
			t.Errorf("%q (-got +want)\n%s", name, d)
		}
	}
}
