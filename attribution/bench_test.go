package attribution_test

import (
	"fmt"
	"testing"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
)

const benchGroups = 100_000

// benchBill makes 100,000 groups of both products and claims on a fifth of
// their anchors.
func benchBill(b *testing.B) (*cur.Partial, *attribution.Index) {
	b.Helper()
	rows := make([]*cur.LineItem, benchGroups)
	for i := range rows {
		n := i / 30 // an anchor has 30 days
		day := fmt.Sprintf("2026-05-%02d", 1+i%30)
		if n%2 == 0 {
			rows[i] = row(b, day, "1.25", agent(arn(fmt.Sprintf("runtime/a%d-0123456789/runtime-endpoint/DEFAULT", n))))
		} else {
			rows[i] = row(b, day, "1.25", model(fmt.Sprintf("arn:aws:sts::%s:assumed-role/App%d/s", acct1, n), ""))
		}
	}
	p := roll(b, rows...)
	var claims []attribution.Claim
	for n := range benchGroups / 30 / 5 {
		if n *= 5; n%2 == 0 {
			claims = append(claims, claim(fmt.Sprint(n), "resource", arn(fmt.Sprintf("runtime/a%d-0123456789", n)), ""))
		} else {
			claims = append(claims, claim(fmt.Sprint(n), "role", fmt.Sprintf("App%d", n), acct1))
		}
	}
	claims = append(claims, claim("s", "session", "sess*", ""), claim("t", "tag", string(teamTag)+"=a", ""), claim("acct", "account", acct2, ""))
	return p, index(b, p, nil, claims...)
}

func BenchmarkAssign(b *testing.B) {
	p, ix := benchBill(b)
	keys := make([]*cur.Key, p.Len())
	for i := range keys {
		keys[i] = p.Key(i)
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, k := range keys {
			ix.Assign(k)
		}
	}
	b.ReportMetric(float64(b.N)*float64(len(keys))/b.Elapsed().Seconds(), "groups/s")
}

func BenchmarkAttribute(b *testing.B) {
	p, ix := benchBill(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := attribution.Attribute(b.Context(), p, ix, nil); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*float64(p.Len())/b.Elapsed().Seconds(), "groups/s")
}
