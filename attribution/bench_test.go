package attribution_test

import (
	"fmt"
	"testing"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
)

const benchGroups = 100_000

// benchBill makes 100,000 groups, of 3,333 anchors of every kind with 30 days
// each, and 5,000 claims, of every kind too: a fifth of them on what is billed.
func benchBill(b *testing.B) (*cur.Partial, *attribution.Index) {
	b.Helper()
	const inference = "arn:aws:bedrock:us-east-1:" + acct1 + ":application-inference-profile/"
	kinds := []struct {
		edit   func(n int) func(*cur.LineItem)
		anchor func(n int) attribution.Anchor
	}{
		{func(n int) func(*cur.LineItem) {
			return agent(arn(fmt.Sprintf("runtime/a%d-0123456789/runtime-endpoint/DEFAULT", n)))
		}, func(n int) attribution.Anchor {
			return attribution.Anchor{Kind: "resource", Value: arn(fmt.Sprintf("runtime/a%d-0123456789", n))}
		}},
		{func(n int) func(*cur.LineItem) {
			return model(fmt.Sprintf("arn:aws:sts::%s:assumed-role/App%d/s", acct1, n), "")
		}, func(n int) attribution.Anchor {
			return attribution.Anchor{Kind: "role", Value: fmt.Sprintf("App%d", n), Account: acct1}
		}},
		{func(n int) func(*cur.LineItem) {
			return agent("arn:aws:bedrock-agentcore:us-east-1:aws:code-interpreter/aws.codeinterpreter.v1/session/" + fmt.Sprintf("s%d-7f3c", n))
		}, func(n int) attribution.Anchor {
			if n%2 == 0 {
				return attribution.Anchor{Kind: "session", Value: fmt.Sprintf("s%d-*", n), Account: acct1}
			}
			return attribution.Anchor{Kind: "session", Value: fmt.Sprintf("s%d-7f3c", n)}
		}},
		{func(n int) func(*cur.LineItem) {
			return model("arn:aws:iam::"+acct1+":user/shared", fmt.Sprintf("%sp%d", inference, n))
		}, func(n int) attribution.Anchor {
			return attribution.Anchor{Kind: "profile", Value: fmt.Sprintf("%sp%d", inference, n)}
		}},
		{func(n int) func(*cur.LineItem) { return both(agent("plain-id"), tagged(fmt.Sprint(n))) }, func(n int) attribution.Anchor {
			return attribution.Anchor{Kind: "tag", Value: fmt.Sprintf("%s=%d", teamTag, n)}
		}},
		{func(n int) func(*cur.LineItem) { return model("", fmt.Sprint("store-", n)) }, func(n int) attribution.Anchor {
			return attribution.Anchor{Kind: "account", Value: fmt.Sprintf("%012d", n)}
		}},
		{func(n int) func(*cur.LineItem) { return model(fmt.Sprintf("arn:aws:iam::%s:user/u%d", acct1, n), "") }, func(n int) attribution.Anchor {
			return attribution.Anchor{Kind: "user", Value: fmt.Sprintf("u%d", n), Account: acct1}
		}},
	}
	rows := make([]*cur.LineItem, benchGroups)
	for i := range rows {
		n := i / 30 // an anchor has 30 days
		rows[i] = row(b, fmt.Sprintf("2026-05-%02d", 1+i%30), "1.25", kinds[n%len(kinds)].edit(n))
	}
	var claims []attribution.Claim
	for n := range 5000 {
		c := claim(fmt.Sprint(n), "", "", "")
		c.Anchor = kinds[n%len(kinds)].anchor(n)
		if n < benchGroups/30 && n/len(kinds)%3 > 0 {
			c.Anchor = kinds[n%len(kinds)].anchor(n + 7_000_000) // on nothing that is billed
		}
		claims = append(claims, c)
	}
	p := roll(b, rows...)
	return p, index(b, p, nil, claims...)
}

func benchKeys(b *testing.B) ([]*cur.Key, *attribution.Index) {
	p, ix := benchBill(b)
	keys := make([]*cur.Key, p.Len())
	for i := range keys {
		keys[i] = p.Key(i)
	}
	b.ReportAllocs()
	return keys, ix
}

// BenchmarkAssign assigns groups as statements do: in order, each run reading the
// keys of its groups anew.
func BenchmarkAssign(b *testing.B) {
	keys, ix := benchKeys(b)
	for b.Loop() {
		as := ix.Assigner()
		for _, k := range keys {
			as.Assign(k)
		}
	}
	b.ReportMetric(float64(b.N)*float64(len(keys))/b.Elapsed().Seconds(), "groups/s")
}

// BenchmarkAssignShuffled has the groups in an order in which no group resembles
// the one before.
func BenchmarkAssignShuffled(b *testing.B) {
	keys, ix := benchKeys(b)
	as := ix.Assigner()
	for b.Loop() {
		for i := range keys {
			as.Assign(keys[i*7919%len(keys)])
		}
	}
	b.ReportMetric(float64(b.N)*float64(len(keys))/b.Elapsed().Seconds(), "groups/s")
}

// BenchmarkAssignOne remembers nothing.
func BenchmarkAssignOne(b *testing.B) {
	keys, ix := benchKeys(b)
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
