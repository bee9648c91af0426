package ledger_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/attribution/ledger"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/boltstore"
	"github.com/spendclaim/spendclaim/storage/memstore"
)

const (
	payer   = "999999999999"
	account = "111111111111"
	teamTag = cur.Column("resourceTags/user:team")
	envTag  = cur.Column("resourceTags/user:env")
)

var ctx = context.Background()

// clock is the time of all bookings in tests: what is stored is then a function
// of what was booked.
func clock() time.Time { return time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC) }

// drivers are the engines that every behaviour is shown on.
var drivers = []struct {
	name string
	open func(testing.TB) storage.Driver
}{
	{"memstore", func(testing.TB) storage.Driver { return memstore.New() }},
	{"boltstore", func(t testing.TB) storage.Driver {
		d, err := boltstore.Open(filepath.Join(t.TempDir(), "books.db"), &boltstore.Options{Create: true})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}},
}

// onEach runs a test over a new, empty driver of each kind.
func onEach(t *testing.T, f func(t *testing.T, d storage.Driver)) {
	t.Helper()
	for _, d := range drivers {
		t.Run(d.name, func(t *testing.T) {
			driver := d.open(t)
			t.Cleanup(func() {
				if err := driver.Close(); err != nil {
					t.Error(err)
				}
			})
			f(t, driver)
		})
	}
}

// open makes a ledger over d, whose lifetime it leaves to the caller.
func open(d storage.Driver, o *ledger.Options) *ledger.Ledger {
	if o == nil {
		o = &ledger.Options{}
	}
	if o.Now == nil {
		o.Now = clock
	}
	return ledger.New(storage.New(d, nil), o)
}

// T is what helpers fail with: a test, a benchmark or a rapid check.
type T interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

func month(t T, s string) cur.Month {
	t.Helper()
	m, err := cur.ParseMonth(s)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func at(t T, s string) time.Time {
	t.Helper()
	for _, layout := range []string{time.DateOnly, time.RFC3339Nano} {
		if v, err := time.Parse(layout, s); err == nil {
			return v.UTC()
		}
	}
	t.Fatalf("bad time %q", s)
	return time.Time{}
}

// row makes a line item of AgentCore runtime; edits change it.
func row(t T, day, cost, resource string, edits ...func(*cur.LineItem)) *cur.LineItem {
	t.Helper()
	start := at(t, day)
	li := &cur.LineItem{
		Payer: payer, BillingPeriod: month(t, "2026-05"), BillingEntity: "AWS",
		ProductCode: "AmazonBedrockAgentCore", UsageType: "USE1-Runtime:Consumption-based:vCPU", PricingUnit: "vCPU-Hours",
		LineItemType: "Usage", Currency: "USD", UsageAccount: account, Region: "us-east-1", Resource: arn(resource),
		IntervalStart: start, IntervalEnd: start.Add(time.Hour), UsageStart: start, UsageEnd: start.Add(time.Hour),
	}
	put(t, li, cur.UnblendedCost, cost)
	put(t, li, cur.Usage, "1")
	for _, e := range edits {
		e(li)
	}
	return li
}

// other is an edit: a row of a service that is no AI spend.
func other(li *cur.LineItem) {
	li.ProductCode, li.UsageType, li.PricingUnit, li.Resource = "AmazonEC2", "BoxUsage:m5.large", "Hrs", "i-0abc"
}

func currency(c string) func(*cur.LineItem) { return func(li *cur.LineItem) { li.Currency = c } }
func invoice(id string) func(*cur.LineItem) { return func(li *cur.LineItem) { li.InvoiceID = id } }
func tag(c cur.Column, v string) func(*cur.LineItem) {
	return func(li *cur.LineItem) { li.SetColumn(c, v) }
}
func payerIs(p string) func(*cur.LineItem) { return func(li *cur.LineItem) { li.Payer = p } }

func arn(name string) string {
	return "arn:aws:bedrock-agentcore:us-east-1:" + account + ":runtime/" + name
}

func put(t T, li *cur.LineItem, m cur.Measure, v string) {
	t.Helper()
	if err := li.Set(m, decimal.RequireFromString(v)); err != nil {
		t.Fatal(err)
	}
}

func seq(rows []*cur.LineItem) iter.Seq2[*cur.LineItem, error] {
	return func(yield func(*cur.LineItem, error) bool) {
		for _, li := range rows {
			if !yield(li, nil) {
				return
			}
		}
	}
}

// roll groups rows as a rollup of the default scope does.
func roll(t T, keys []cur.Column, rows ...*cur.LineItem) *cur.Partial {
	t.Helper()
	return rollWith(t, cur.Rollup{Where: attribution.DefaultScope().Where(), Keys: keys}, rows)
}

func rollWith(t T, r cur.Rollup, rows []*cur.LineItem) *cur.Partial {
	t.Helper()
	p, err := r.Rows(seq(rows))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// delivery is May 2026 of the one export, written at asOf.
func delivery(t T, asOf, execution string, p *cur.Partial) cur.Rolled {
	t.Helper()
	return cur.Rolled{Delivery: cur.Delivery{Payer: payer, Export: "export-1", Period: month(t, "2026-05"), Execution: execution, AsOf: at(t, asOf)},
		Partial: p, Files: []cur.Info{{Name: execution + ".csv.gz", Size: 100, ModTime: at(t, asOf)}}}
}

// claim makes a claim on a runtime, in force from May 2026 on.
func claim(id, resource, workload string) attribution.Claim {
	return attribution.Claim{ID: attribution.ClaimID(id), Anchor: attribution.Anchor{Kind: attribution.KindResource, Value: arn(resource)},
		Target: attribution.Whole{Workload: attribution.WorkloadID(workload)}, From: time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)}
}

func tagClaim(id string, c cur.Column, value, workload string) attribution.Claim {
	x := claim(id, "", workload)
	x.Anchor = attribution.Anchor{Kind: attribution.KindTag, Value: string(c) + "=" + value}
	return x
}

func claims(list ...attribution.Claim) *attribution.Claims { return &attribution.Claims{Claims: list} }

// book prepares and commits.
func book(t T, l *ledger.Ledger, r cur.Rolled, c *attribution.Claims, o *ledger.BookOptions) *ledger.Booking {
	t.Helper()
	b, err := l.Prepare(ctx, r, c, o)
	if err != nil {
		t.Fatalf("Prepare: %v", err)
	}
	if err := b.Commit(ctx); err != nil {
		t.Fatalf("Commit: %v", err)
	}
	return b
}

// reattribute applies claims to the book of May 2026 and commits.
func reattribute(t T, l *ledger.Ledger, c *attribution.Claims) *ledger.Booking {
	t.Helper()
	b, err := l.Reattribute(ctx, payer, month(t, "2026-05"), c)
	if err != nil {
		t.Fatalf("Reattribute: %v", err)
	}
	if err := b.Commit(ctx); err != nil {
		t.Fatalf("Commit: %v", err)
	}
	return b
}

func collect[V any](t T, s iter.Seq2[V, error]) (out []V) {
	t.Helper()
	for v, err := range s {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, v)
	}
	return out
}

// deltas spells terms for comparison.
func deltas(list []ledger.Delta) []string {
	out := []string{}
	for _, d := range list {
		out = append(out, d.Currency+" "+string(d.Label)+" "+string(d.Outcome)+" "+string(d.Workload)+" "+d.Unblended.String())
	}
	return out
}

// sums adds terms up by currency; a currency of nothing is left out.
func sums(list []ledger.Delta) map[string]string {
	m := map[string]decimal.Decimal{}
	for _, d := range list {
		m[d.Currency] = m[d.Currency].Add(d.Unblended)
	}
	return texts(m)
}

func texts(m map[string]decimal.Decimal) map[string]string {
	out := map[string]string{}
	for k, d := range m {
		if !d.IsZero() {
			out[k] = d.String()
		}
	}
	return out
}

// totals returns the totals of statements by currency.
func totals(list []*attribution.Statement) map[string]decimal.Decimal {
	m := map[string]decimal.Decimal{}
	for _, s := range list {
		m[s.Currency] = s.Totals.Unblended
	}
	return m
}

// scan returns all that a driver holds.
func scan(t T, d storage.Driver) (items []storage.Item) {
	t.Helper()
	for cursor := ""; ; {
		page, next, err := d.Scan(ctx, cursor)
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, page...)
		if cursor = next; next == "" {
			return items
		}
	}
}

// image is a digest over all that a driver holds, in whatever order it has it.
func image(t T, d storage.Driver) [32]byte {
	t.Helper()
	var sums [][]byte
	for _, it := range scan(t, d) {
		sum := sha256.Sum256(fmt.Appendf(nil, "%s %d %x %t %x", it.Key, it.Stamp.Version, it.Stamp.Head, it.Entry, sha256.Sum256(it.Body)))
		sums = append(sums, sum[:])
	}
	slices.SortFunc(sums, bytes.Compare)
	return sha256.Sum256(bytes.Join(sums, nil))
}

func fileSum(t T, path string) [32]byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return sha256.Sum256(b)
}
