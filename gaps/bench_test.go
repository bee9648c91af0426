package gaps_test

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/gaps"
)

// bigInput is a statement of n groups under 5,000 claims, with 2,000 approvals. One
// resource in ten is nobody's.
func bigInput(b testing.TB, n int) gaps.Input {
	b.Helper()
	const claimed, workloads, approved, kinds = 5000, 1000, 2000, 6
	usage := [kinds]string{"Runtime:Consumption-based:vCPU", "Runtime:Consumption-based:Memory", "Memory:Consumption-based:Short-Term-Memory",
		"Memory:Consumption-based:Long-Term-Memory-Retrieval", "Gateway:Consumption-based:Search-API", "Gateway:Consumption-based:API-Invocations"}
	const resources = claimed * 10 / 9
	account := func(i int) string { return fmt.Sprintf("%012d", 100000000000+i%50) }
	id := func(i int) string {
		return fmt.Sprintf("arn:aws:bedrock-agentcore:us-east-1:%s:runtime/thing_%d-Aa1Bb2Cc3D", account(i), i)
	}
	claims := &attribution.Claims{}
	for i := range workloads {
		claims.Workloads = append(claims.Workloads, attribution.Workload{ID: attribution.WorkloadID(fmt.Sprintf("w%d", i)), Owner: fmt.Sprintf("owner-%d", i)})
	}
	for i := range claimed {
		claims.Claims = append(claims.Claims, attribution.Claim{ID: attribution.ClaimID(fmt.Sprintf("c%d", i)), From: at("2026-05-01"),
			Anchor: attribution.Anchor{Kind: attribution.KindResource, Value: id(i)}, Target: attribution.Whole{Workload: attribution.WorkloadID(fmt.Sprintf("w%d", i%workloads))}})
	}
	in := gaps.Input{Claims: claims}
	for i := range approved {
		in.Approvals = append(in.Approvals, approval{id: fmt.Sprintf("BR-%d", i), workload: attribution.WorkloadID(fmt.Sprintf("w%d", i/2)),
			accounts: []string{account(i), account(i / 2)}, regions: []string{"us-east-1"}})
	}
	period := cur.MonthOf(at("2026-05-01"))
	c := cur.Contents{Measures: 1<<cur.Usage | 1<<cur.UnblendedCost, Columns: []cur.Column{cur.ColPayer, cur.ColBillingPeriod, cur.ColBillingEntity, cur.ColProductCode,
		cur.ColUsageType, cur.ColLineItemType, cur.ColCurrency, cur.ColUsageAccount, cur.ColRegion, cur.ColPrincipal, cur.ColResource}}
	var total cur.Measures
	for i := range n {
		thing := i % resources
		g := cur.Group{Key: cur.Key{Payer: payer, BillingPeriod: period, BillingEntity: "AWS", ProductCode: "AmazonBedrockAgentCore", PricingUnit: "Units",
			UsageType: "USE1-" + usage[i/resources%kinds], LineItemType: "Usage", Currency: "USD", UsageAccount: account(thing), Region: "us-east-1", Resource: id(thing),
			Bucket: cur.Bucket{Start: at("2026-05-01").AddDate(0, 0, i/resources/kinds).Unix(), Span: cur.Day}}}
		g.Rows = 1
		if err := g.Put(cur.UnblendedCost, decimal.New(int64(i%997), -3)); err != nil {
			b.Fatal(err)
		}
		total.Add(&g.Measures)
		c.Groups = append(c.Groups, g)
	}
	c.Control = []cur.Control{{Key: cur.ControlKey{Payer: payer, BillingPeriod: period, Currency: "USD", LineItemType: "Usage"}, Measures: total}}
	p, err := cur.NewPartial((&cur.Rollup{Where: attribution.DefaultScope().Where()}).Spec(), c)
	if err != nil {
		b.Fatal(err)
	}
	in.Statement = statementOf(b, p, claims, cur.Delivery{Payer: payer, Period: period, AsOf: at("2026-06-10")})
	return in
}

// peak runs f and returns the most that the heap grew by meanwhile.
func peak(f func()) uint64 {
	runtime.GC()
	var before, now runtime.MemStats
	runtime.ReadMemStats(&before)
	var most atomic.Uint64
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
				runtime.ReadMemStats(&now)
				if now.HeapAlloc > before.HeapAlloc {
					most.Store(max(most.Load(), now.HeapAlloc-before.HeapAlloc))
				}
			}
		}
	}()
	f()
	close(stop)
	<-stopped
	return most.Load()
}

func BenchmarkDetect(b *testing.B) {
	for _, n := range []int{250_000, 500_000, 1_000_000} {
		b.Run(fmt.Sprintf("groups=%d/claims=5000/approvals=2000", n), func(b *testing.B) {
			in := bigInput(b, n)
			b.ReportAllocs()
			var found int
			var most uint64
			for b.Loop() {
				most = max(most, peak(func() {
					r, err := gaps.Detect(context.Background(), in, nil)
					if err != nil {
						b.Fatal(err)
					}
					found = len(r.Gaps)
				}))
			}
			b.ReportMetric(float64(found), "gaps")
			b.ReportMetric(float64(most)/(1<<20), "peak-MiB")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/group")
		})
	}
}
