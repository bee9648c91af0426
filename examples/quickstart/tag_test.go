package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A tag that no row has is most likely a mistyped one. The tag's column is there,
// as a map, so that nothing else would say so.
func TestAMistypedTagIsAWarning(t *testing.T) {
	workdir(t)
	copyMonths(t)
	out := succeed(t, "-cur", "months/2026-05-first", "-tag", "iamPrincipal/tenant", "-tag", "iamPrincipal/tennant")
	p := periodOfMonth(t, out, "2026-05")
	var got []string
	for _, w := range p.Warnings {
		if w.Code == "tag_absent" && w.Rows > 0 {
			got = append(got, *w.Column)
		}
	}
	if d := cmp.Diff([]string{"iamPrincipal/tennant"}, got); d != "" {
		t.Errorf("tags that no row has (-want +got):\n%s", d)
	}
}
