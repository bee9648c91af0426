package journal_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/governance/journal"
)

func dec(s string) decimal.Decimal { return decimal.RequireFromString(s) }

func item(workload, invoice, amount string) journal.Item {
	return journal.Item{Posting: journal.Posting{Entity: "DE01", CostCentre: "cc-" + workload, LedgerAccount: "6540", Payer: "999999999999", Month: "2026-05",
		Currency: "USD", Invoice: invoice, Workload: attribution.WorkloadID(workload), Kind: attribution.Usage, Generation: 3}, Amount: dec(amount)}
}

// T is a test or a rapid check.
type T interface {
	Helper()
	Fatalf(string, ...any)
}

func lines(t T, items ...journal.Item) []journal.Line {
	t.Helper()
	l, err := journal.New(journal.Actual, items, nil)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return l
}

// spell prints workload, invoice and minor units.
func spell(list []journal.Line) []string {
	out := []string{}
	for _, l := range list {
		out = append(out, strings.TrimSpace(string(l.Workload)+" "+l.Invoice)+" "+decimal.New(l.Minor, 0).String())
	}
	return out
}

func TestLinesOfAnInvoiceAddUpToItsRoundedTotal(t *testing.T) {
	for _, c := range []struct {
		name  string
		items []journal.Item
		want  []string
	}{
		{"a third each", []journal.Item{item("a", "i", "0.3333333333"), item("b", "i", "0.3333333333"), item("c", "i", "0.3333333334")}, []string{"a i 33", "b i 33", "c i 34"}},
		{"halves, rounded apart, would be a cent too many", []journal.Item{item("a", "i", "0.005"), item("b", "i", "0.005")}, []string{"a i 1", "b i 0"}},
		{"the largest remainder has the cent", []journal.Item{item("a", "i", "1.001"), item("b", "i", "1.004")}, []string{"a i 100", "b i 101"}},
		{"credits", []journal.Item{item("a", "i", "-0.015"), item("b", "i", "10.001")}, []string{"a i -1", "b i 1000"}},
		{"each invoice on its own", []journal.Item{item("a", "i", "0.005"), item("a", "j", "0.005"), item("a", "", "0.004")}, []string{"a 0", "a i 1", "a j 1"}},
		{"items of one posting are one line", []journal.Item{item("a", "i", "0.004"), item("a", "i", "0.004")}, []string{"a i 1"}},
		{"nothing is no line", []journal.Item{item("a", "i", "1"), item("a", "i", "-1")}, []string{}},
	} {
		if diff := cmp.Diff(spell(lines(t, c.items...)), c.want); diff != "" {
			t.Errorf("%s (-got +want)\n%s", c.name, diff)
		}
	}
}

func TestResidualsAreShown(t *testing.T) {
	got := journal.Slices(lines(t, item("a", "i", "10.0012345"), item("b", "i", "0.5")))
	want := []journal.Slice{{Payer: "999999999999", Month: "2026-05", Currency: "USD", Invoice: "i", Exact: dec("10.5012345"), Minor: 1050, Digits: 2, Residual: dec("-0.0012345"), Lines: 2}}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("(-got +want)\n%s", diff)
	}
}

func TestCurrenciesHaveTheirOwnMinorUnits(t *testing.T) {
	yen, dinar := item("a", "i", "1234.5"), item("a", "i", "1.2345")
	yen.Currency, dinar.Currency = "JPY", "KWD"
	got := map[string]int64{}
	for _, l := range lines(t, yen, dinar, item("a", "i", "1.2345")) {
		got[l.Currency] = l.Minor
	}
	if diff := cmp.Diff(got, map[string]int64{"JPY": 1235, "KWD": 1235, "USD": 123}); diff != "" {
		t.Errorf("(-got +want)\n%s", diff)
	}
	unknown := item("a", "i", "1")
	unknown.Currency = "XXX"
	if _, err := journal.New(journal.Actual, []journal.Item{unknown}, nil); !errors.Is(err, journal.ErrCurrency) {
		t.Errorf("an unknown currency: %v", err)
	}
	o := &journal.Options{Digits: func(string) (int32, bool) { return 1, true }}
	if got, err := journal.New(journal.Actual, []journal.Item{unknown}, o); err != nil || got[0].Minor != 10 {
		t.Errorf("with its digits given: %v, %v", got, err)
	}
}

func TestAbsurdAmountsAreRefused(t *testing.T) {
	for _, amount := range []decimal.Decimal{decimal.New(1, 40), decimal.New(1, -100), decimal.New(1, 30)} {
		x := item("a", "i", "0")
		x.Amount = amount
		if _, err := journal.New(journal.Actual, []journal.Item{x}, nil); !errors.Is(err, journal.ErrAmount) {
			t.Errorf("%d E%d: %v, want ErrAmount", amount.CoefficientInt64(), amount.Exponent(), err)
		}
	}
}

func TestAnAccrualAndItsReversalComeToNothing(t *testing.T) {
	accrual, err := journal.New(journal.Accrual, []journal.Item{item("a", "", "10.005"), item("b", "", "0.005")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	back, err := journal.Reverse(accrual, "2026-06")
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range back {
		if l.Type != journal.Accrual || !l.Reversal || l.Period != "2026-06" || l.Month != "2026-05" || l.Minor != -accrual[i].Minor || !l.Residual().Equal(accrual[i].Residual().Neg()) {
			t.Errorf("reversal %+v of %+v", l, accrual[i])
		}
	}
	if _, err := journal.Reverse(back, "2026-07"); !errors.Is(err, journal.ErrPosted) {
		t.Errorf("a reversal is reversed: %v, want ErrPosted", err)
	}
}

func TestACorrectionTouchesTheSlicesThatChanged(t *testing.T) {
	posted := lines(t, item("a", "i", "10"), item("b", "i", "5"), item("a", "j", "7"))
	newer := []journal.Item{item("a", "i", "10"), item("b", "i", "4.5"), item("a", "j", "7"), item("c", "k", "1")}
	for i := range newer {
		newer[i].Generation = 4
	}
	got, err := journal.Correct(posted, lines(t, newer...), "2026-06")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(spell(got), []string{"a i -1000", "b i -500", "a i 1000", "b i 450", "c k 100"}); diff != "" {
		t.Errorf("(-got +want)\n%s", diff)
	}
	if again, err := journal.Correct(lines(t, newer...), lines(t, newer...), "2026-06"); err != nil || len(again) != 0 {
		t.Errorf("nothing changed: %v, %v", again, err)
	}
}

func drawItems(t *rapid.T) []journal.Item {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) journal.Item {
		x := item(rapid.SampledFrom([]string{"a", "b", "c", "=d", "'e"}).Draw(t, "workload"), rapid.SampledFrom([]string{"", "i", "-j"}).Draw(t, "invoice"), "0")
		x.Amount = decimal.New(rapid.Int64Range(-1e9, 1e9).Draw(t, "amount"), -rapid.Int32Range(0, 12).Draw(t, "scale"))
		x.Currency = rapid.SampledFrom([]string{"USD", "JPY", "KWD"}).Draw(t, "currency")
		x.Kind = rapid.SampledFrom([]attribution.ChargeKind{attribution.Usage, attribution.Tax, attribution.Credit}).Draw(t, "kind")
		x.Entity = rapid.SampledFrom([]string{"", "DE01", "+49", "@home", "a,b\"c"}).Draw(t, "entity")
		return x
	}), 0, 40).Draw(t, "items")
}

// TestRoundingIsOncePerSlice: lines add up to the rounded total of exact money, none is
// off by a unit, and the order of items does not matter.
func TestRoundingIsOncePerSlice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		items := drawItems(t)
		got := lines(t, items...)
		exact := map[string]decimal.Decimal{}
		for _, i := range items {
			exact[i.Currency+i.Invoice] = exact[i.Currency+i.Invoice].Add(i.Amount)
		}
		minor := map[string]int64{}
		for _, l := range got {
			minor[l.Currency+l.Invoice] += l.Minor
			if l.Residual().Abs().Cmp(decimal.New(1, -l.Digits)) >= 0 {
				t.Fatalf("a line is off by %s", l.Residual())
			}
		}
		for k, e := range exact {
			digits, _ := attribution.MinorDigits(k[:3])
			if want := e.Shift(digits).Round(0); !decimal.New(minor[k], 0).Equal(want) {
				t.Fatalf("%s: lines come to %d, want %s", k, minor[k], want)
			}
		}
		rand.Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
		if diff := cmp.Diff(lines(t, items...), got); diff != "" {
			t.Fatalf("in another order (-got +want)\n%s", diff)
		}
	})
}

// TestJournalsReadBackAsWritten holds for CSV and JSON, and for corrections.
func TestJournalsReadBackAsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list, err := journal.Correct(lines(t, drawItems(t)...), lines(t, drawItems(t)...), "2026-06")
		if err != nil {
			t.Fatal(err)
		}
		var c, j bytes.Buffer
		if err := errors.Join(journal.WriteCSV(&c, list), journal.WriteJSON(&j, list)); err != nil {
			t.Fatal(err)
		}
		fromCSV, err := journal.ReadCSV(&c)
		if err != nil {
			t.Fatal(err)
		}
		fromJSON, err := journal.ReadJSON(&j)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(fromCSV, list, emptyIsNil()); diff != "" {
			t.Fatalf("csv (-got +want)\n%s", diff)
		}
		if diff := cmp.Diff(fromJSON, list, emptyIsNil()); diff != "" {
			t.Fatalf("json (-got +want)\n%s", diff)
		}
	})
}

func emptyIsNil() cmp.Option {
	return cmp.FilterValues(func(a, b []journal.Line) bool { return len(a)+len(b) == 0 }, cmp.Ignore())
}
