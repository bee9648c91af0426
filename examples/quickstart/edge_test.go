package main

import (
	"context"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spendclaim/spendclaim/internal/golden"
)

func TestEmptyInputBooksNothing(t *testing.T) {
	empty := &output{Schema: 1, Reconciled: true, Periods: []period{}}
	for name, content := range map[string]string{"zero bytes": "", "header only": smallHeader + "\n", "header without a line end": smallHeader} {
		t.Run(name, func(t *testing.T) {
			workdir(t)
			writeFile(t, "good.csv", smallReport(12))
			writeFile(t, "empty.csv", content)
			writeFile(t, "claims.json", rewrittenClaims)
			succeed(t, "-cur", "good.csv", "-db", "books.db")
			check, absent := unchanged(t, "books.db"), unchanged(t, "spendclaim.db")
			for _, args := range [][]string{
				{"-cur", "empty.csv"},
				{"-cur", "empty.csv", "-claims", "claims.json"},
				{"-cur", "empty.csv", "-db", "books.db"},
				{"-cur", "empty.csv", "-db", "books.db", "-claims", "claims.json"},
			} {
				if d := cmp.Diff(empty, succeed(t, args...)); d != "" {
					t.Errorf("%q (-want +got):\n%s", args, d)
				}
				check()
				absent()
			}
			if r := quickstart(t, "-cur", "empty.csv"); r.code != 0 || r.stdout != "0 rows: nothing to book.\n" {
				t.Errorf("exit status %d, text %q", r.code, r.stdout)
			}
			absent()
			// Beside a file with rows it changes nothing.
			both := succeed(t, "-cur", "good.csv", "-cur", "empty.csv")
			if len(both.Periods) != 1 || both.Rows != 12 {
				t.Errorf("beside a report: %d periods, %d rows", len(both.Periods), both.Rows)
			}
		})
	}
}

func TestManifestOfEmptyChunksBooksAZeroMonth(t *testing.T) {
	workdir(t)
	out := succeed(t, "-cur", export(t, "zero", "ai-costs", "", smallHeader+"\n"))
	if len(out.Periods) != 1 {
		t.Fatalf("%d periods, want one", len(out.Periods))
	}
	p := &out.Periods[0]
	if p.BillingPeriod != "2026-05" || or(p.Payer, "") != "111122223333" || p.Rows != 0 || p.Totals.Unblended != "0" || !p.Reconciled || p.Generation.Number != 1 {
		t.Errorf("got %+v", p)
	}
	check := unchanged(t, "spendclaim.db")
	if again := succeed(t, "-cur", "zero"); again.Periods[0].Generation.Number != 1 {
		t.Errorf("generation %d", again.Periods[0].Generation.Number)
	}
	check()
	r := quickstart(t, "-cur", "zero")
	golden.Equal(t, testdata(t, "zero-month.txt"), []byte(r.stdout))
}

// A month, or a currency of it, that had money and whose next delivery has none
// goes down to zero, and the difference says so.
func TestMoneyThatIsGoneIsInTheDifference(t *testing.T) {
	euros := func(rows int) string { return strings.ReplaceAll(smallRows(rows), ",USD,", ",EUR,") }
	for name, c := range map[string]struct {
		before, after string
		want          map[string][2]string // total and difference by currency
	}{
		"all of it":     {smallReport(20), smallHeader + "\n", map[string][2]string{"USD": {"0", "-0.2"}}},
		"of two":        {smallReport(20) + euros(3), smallHeader + "\n", map[string][2]string{"USD": {"0", "-0.2"}, "EUR": {"0", "-0.03"}}},
		"one of two":    {smallReport(20) + euros(3), smallReport(25), map[string][2]string{"USD": {"0.25", "0.05"}, "EUR": {"0", "-0.03"}}},
		"a new one":     {smallReport(20), smallReport(20) + euros(3), map[string][2]string{"USD": {"0.2", "0"}, "EUR": {"0.03", "0.03"}}},
		"none ever was": {smallHeader + "\n", smallHeader + "\n", map[string][2]string{"": {"0", "0"}}},
	} {
		t.Run(name, func(t *testing.T) {
			workdir(t)
			succeed(t, "-cur", export(t, "before", "ai-costs", c.before))
			export(t, "after", "ai-costs", c.after)
			replace(t, "after/"+metadataFolder+"ai-costs-Manifest.json", `"e-1"`, `"e-2"`)
			got := map[string][2]string{}
			out := succeed(t, "-cur", "after", "-as-of", "2026-05-26T12:00:00Z")
			for _, p := range out.Periods {
				terms := newAdder(t)
				for _, d := range p.Generation.Delta {
					terms.add(d.Unblended)
				}
				got[or(p.Currency, "")] = [2]string{p.Totals.Unblended, text(terms.sum)}
				if p.Generation.Number != 2 || !p.Reconciled {
					t.Errorf("%s: generation %d, reconciled %v", or(p.Currency, ""), p.Generation.Number, p.Reconciled)
				}
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("total and difference by currency (-want +got):\n%s", d)
			}
			if r := quickstart(t, "-cur", "after"); r.code != 0 {
				t.Errorf("text: exit status %d, %s", r.code, r.stderr)
			}
		})
	}
}

// What the report does not say is null, not blank and not zero.
func TestMinimalReportShowsNulls(t *testing.T) {
	workdir(t)
	writeFile(t, "report.csv", "lineItem/UsageStartDate,lineItem/ProductCode,lineItem/UnblendedCost\n"+
		"2026-05-03T00:00:00Z,AmazonBedrock,1.25\n2026-05-05T10:00:00Z,AmazonBedrockAgentCore,2\n2026-05-05T10:00:00Z,AmazonEC2,1e-3\n")
	touch(t, "report.csv", time.Date(2026, 5, 20, 6, 0, 0, 0, time.UTC))
	out := succeed(t, "-cur", "report.csv")
	one := func(rows int64, x string) map[string]sum { return map[string]sum{"Usage": {rows, x}} }
	orphan := func(component, day, cost, reason string) unclaimed {
		return unclaimed{Components: []string{component}, FirstSeen: day, LastSeen: day, Rows: 1, Unblended: cost, Reason: reason}
	}
	warning := func(column string) note { return note{"column_absent", &column, 3} }
	want := &output{Schema: 1, Rows: 3, Reconciled: true, Books: ptr("spendclaim.db"), Periods: []period{{
		BillingPeriod: "2026-05", Execution: out.Periods[0].Execution, AsOf: "2026-05-20T06:00:00Z", CompleteThrough: "2026-05-18",
		State: ptr("open"), Rows: 3, Reconciled: true,
		Generation: generation{Number: 1, Cause: "first", Delta: []term{}},
		Totals:     totals{Unblended: "3.251", Amortized: ptr("3.251")}, // no row needs another column
		LineTypes:  one(3, "3.251"),
		Products:   map[string]sum{"AmazonBedrock": {1, "1.25"}, "AmazonBedrockAgentCore": {1, "2"}, "AmazonEC2": {1, "0.001"}},
		Outcomes: map[string]outcome{
			"unclaimed": {2, "3.25", map[string]sum{"principal_not_exported": {1, "1.25"}, "resource_not_exported": {1, "2"}}},
			"excluded":  {1, "0.001", map[string]sum{"out_of_scope": {1, "0.001"}}},
		},
		Workloads: []workload{}, Defaulted: []workload{}, Spread: []workload{}, Incomplete: []note{},
		Unclaimed: []unclaimed{
			orphan("unknown", "2026-05-05", "2", "resource_not_exported"),
			orphan("model_other", "2026-05-03", "1.25", "principal_not_exported"),
		},
		Warnings: out.Periods[0].Warnings,
	}}}
	if d := cmp.Diff(want, out); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	for _, c := range []string{"bill_payer_account_id", "line_item_currency_code", "bill_billing_entity", "bill_billing_period_start_date", "line_item_line_item_type"} {
		found := false
		for _, n := range out.Periods[0].Warnings {
			found = found || cmp.Equal(n, warning(c))
		}
		if !found {
			t.Errorf("no warning that %s is absent in %+v", c, out.Periods[0].Warnings)
		}
	}
	golden.Equal(t, testdata(t, "minimal.txt"), []byte(quickstart(t, "-cur", "report.csv").stdout))
}

// A text in a report or a claims file must not reach a terminal as a command.
func TestTextShowsNoControlCharacters(t *testing.T) {
	workdir(t)
	writeFile(t, "report.csv", strings.ReplaceAll(smallReport(2), "runtime/agent", "runtime/\x1b[2Jagent\r"))
	writeFile(t, "claims.json", `{"version": 1, "claims": [{"id": "a", "anchor": {"kind": "account", "value": "444455556666"}, "workload": "w", "from": "2026-05-02"}],
		"workloads": [{"id": "w", "name": "red\u001b[31m", "owner": "o\nwner"}]}`)
	r := quickstart(t, "-cur", "report.csv", "-claims", "claims.json")
	if r.code != 0 {
		t.Fatal(r.stderr)
	}
	if i := strings.IndexFunc(strings.ReplaceAll(r.stdout, "\n", ""), func(r rune) bool { return r < ' ' || r == 0x7f }); i >= 0 {
		t.Errorf("a control character at %d of %q", i, r.stdout)
	}
	if !strings.Contains(r.stdout, "red\uFFFD[31m (o\uFFFDwner)") {
		t.Errorf("names are gone: %q", r.stdout)
	}
}

// countdown is a context that is cancelled when it is asked for the nth time.
type countdown struct {
	context.Context
	cancel func()
	left   atomic.Int64
}

func newCountdown(ctx context.Context, n int64) *countdown {
	ctx, cancel := context.WithCancel(ctx)
	c := &countdown{Context: ctx, cancel: cancel}
	c.left.Store(n)
	return c
}

func (c *countdown) Err() error {
	if c.left.Add(-1) < 0 {
		c.cancel()
	}
	return c.Context.Err()
}

func TestInterruptedRunsWriteNothing(t *testing.T) {
	workdir(t)
	writeFile(t, "first.csv", smallReport(3000))
	writeFile(t, "second.csv", smallReport(5000))
	writeFile(t, "claims.json", `{"version": 1, "claims": [{"id": "a", "anchor": {"kind": "account", "value": "444455556666"}, "workload": "w", "from": "2026-05-01"}]}`)
	succeed(t, "-cur", "first.csv", "-as-of", "2026-06-01T00:00:00Z", "-db", "books.db")
	check, absent := unchanged(t, "books.db"), unchanged(t, "spendclaim.db")
	for _, args := range [][]string{
		{"-cur", "second.csv", "-as-of", "2026-06-02T00:00:00Z"},
		{"-cur", "second.csv", "-as-of", "2026-06-02T00:00:00Z", "-db", "books.db", "-claims", "claims.json"},
		{"-db", "books.db", "-claims", "claims.json"},
		nil, // the sample
	} {
		if testing.Short() && len(args) == 0 {
			continue
		}
		points := 0
		for n := int64(0); ; n += 1 + n/2 {
			if n > 100_000 {
				t.Fatalf("%q does not end", args)
			}
			ctx := newCountdown(t.Context(), n)
			r := quickstartIn(ctx, args...)
			if interrupted := ctx.Context.Err() != nil; !interrupted || r.code == 0 {
				// Past its last look at the context the run is done.
				if r.code != 0 || points == 0 {
					t.Errorf("%q: exit status %d after %d interruptions, stderr %q", args, r.code, points, r.stderr)
				}
				break
			}
			points++
			if r.code != 1 || r.stdout != "" {
				t.Errorf("%q, look %d: exit status %d, stdout %q", args, n, r.code, r.stdout)
			}
			wantError(t, "interrupted", r.stderr)
			check()
			absent()
			if left := tempFiles(t); len(left) > 0 {
				t.Fatalf("%q, look %d: left in the temporary folder: %q", args, n, left)
			}
		}
		// What the last run wrote is taken back, for the next to start from.
		os.Remove("spendclaim.db")
		os.Remove("books.db")
		succeed(t, "-cur", "first.csv", "-as-of", "2026-06-01T00:00:00Z", "-db", "books.db")
		check = unchanged(t, "books.db")
	}
}

// A report in hand is shown progress on a terminal only.
func TestProgressIsForTerminals(t *testing.T) {
	workdir(t)
	if progressTo(new(strings.Builder)) != nil {
		t.Error("progress to a buffer")
	}
	f, err := os.Create("stderr.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if progressTo(f) != nil {
		t.Error("progress to a file")
	}
}
