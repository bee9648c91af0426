package pricing_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/spendclaim/spendclaim/pricing"
)

const rateHeader = "id\tcomponent\tmodel\ttier\trouting\tcontext\tvariant\tregion\tcurrency\tfrom\tto\tunit\tprice\tstatus\tsource\tnote\n"

// sameDecimal compares figures and not how they are held.
func sameDecimal() cmp.Option {
	return cmp.Comparer(func(a, b decimal.Decimal) bool { return a.Equal(b) })
}

func TestReadRates(t *testing.T) {
	body := "\ufeff" + rateHeader + "# a comment\n\n" +
		"a\tmodel_input\tNova Lite\tbatch\tglobal\tlong\tmantle\teu-west-1\tEUR\t2026-01-01\t2026-02-01T12:00:00Z\t1K tokens\t0=0 100=0.03\tconfirmed\tagreement\ta note\r\n"
	got, err := pricing.ReadRates(strings.NewReader(body), "f")
	if err != nil {
		t.Fatal(err)
	}
	want := []pricing.Rate{{
		ID:     "a",
		Meter:  pricing.Meter{Component: pricing.ModelInput, Model: "Nova Lite", Tier: pricing.Batch, Routing: pricing.Global, LongContext: true, Variant: "mantle"},
		Region: "eu-west-1", Currency: "EUR", From: day("2026-01-01"), To: day("2026-02-01").Add(12 * 3600e9),
		Unit:     pricing.PricingUnit{Unit: pricing.Tokens, Exp: 3},
		Brackets: []pricing.Bracket{{}, {From: dec("100000"), Price: dec("0.00003")}},
		Status:   pricing.Confirmed, Source: "agreement", Note: "a note",
	}}
	if diff := cmp.Diff(want, got, sameDecimal()); diff != "" {
		t.Errorf("ReadRates (-want +got):\n%s", diff)
	}
}

func TestReadRatesRefuses(t *testing.T) {
	line := func(edit func(f []string)) string {
		f := strings.Split("a\truntime_vcpu\t\t\t\t\t\tus-east-1\tUSD\t2026-01-01\t\tvCPU-hours\t0.0895\tpublished\tpage\t", "\t")
		edit(f)
		return rateHeader + strings.Join(f, "\t") + "\n"
	}
	tests := []struct {
		name, body string
		want       error
		says       string
	}{
		{"nothing", "", pricing.ErrSyntax, "no header"},
		{"another header", "a\tb\n", pricing.ErrSyntax, "f:1"},
		{"too few fields", rateHeader + "a\tb\n", pricing.ErrSyntax, "2 fields"},
		{"no date", line(func(f []string) { f[9] = "" }), pricing.ErrSyntax, "f:2"},
		{"a date of another format", line(func(f []string) { f[9] = "01/02/2026" }), pricing.ErrSyntax, `from "01/02/2026"`},
		{"unknown unit", line(func(f []string) { f[11] = "parsecs" }), pricing.ErrUnit, `"parsecs"`},
		{"unit of another component", line(func(f []string) { f[11] = "Events" }), pricing.ErrUnit, "f:2"},
		{"not a number", line(func(f []string) { f[12] = "NaN" }), pricing.ErrSyntax, `"NaN"`},
		{"infinite", line(func(f []string) { f[12] = "Inf" }), pricing.ErrSyntax, `"Inf"`},
		{"an exponent", line(func(f []string) { f[12] = "1e999999999" }), pricing.ErrSyntax, "1e999999999"},
		{"negative", line(func(f []string) { f[12] = "-0.1" }), pricing.ErrSyntax, "-0.1"},
		{"no price", line(func(f []string) { f[12] = "" }), pricing.ErrBrackets, "none"},
		{"a gap at zero", line(func(f []string) { f[12] = "5=0.1" }), pricing.ErrBrackets, "begins at 5"},
		{"status of later days", line(func(f []string) { f[13] = "rumoured" }), pricing.ErrRate, "rumoured"},
		{"no source", line(func(f []string) { f[14] = "" }), pricing.ErrRate, "no source"},
		{"context of later days", line(func(f []string) { f[5] = "endless" }), pricing.ErrSyntax, "endless"},
		{"an endless line", rateHeader + strings.Repeat("x", 1<<17), pricing.ErrSyntax, "too long"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := pricing.ReadRates(strings.NewReader(tt.body), "f")
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error = %v, want %v saying %q", err, tt.want, tt.says)
			}
		})
	}
}

func TestWriteRatesRefusesWhatItCannotHold(t *testing.T) {
	for _, edit := range []func(*pricing.Rate){
		func(r *pricing.Rate) { r.Source = "two\nlines" },
		func(r *pricing.Rate) { r.Note = "a\ttab" },
		func(r *pricing.Rate) { r.ID = "#1" },
	} {
		if err := pricing.WriteRates(&bytes.Buffer{}, []pricing.Rate{runtime(edit)}); !errors.Is(err, pricing.ErrSyntax) {
			t.Errorf("error = %v, want ErrSyntax", err)
		}
	}
}

func TestRatesSurviveTheirFile(t *testing.T) {
	again := func(t testing.TB, rates []pricing.Rate) {
		t.Helper()
		var b bytes.Buffer
		if err := pricing.WriteRates(&b, rates); err != nil {
			t.Fatal(err)
		}
		got, err := pricing.ReadRates(&b, "f")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(rates, got, sameDecimal()); diff != "" {
			t.Fatalf("read after write (-want +got):\n%s", diff)
		}
	}
	again(t, defaultCard(t).Rates())
	rapid.Check(t, func(rt *rapid.T) {
		r := runtime(func(r *pricing.Rate) {
			r.Meter = pricing.Meter{
				Component: rapid.SampledFrom([]pricing.Component{pricing.ModelOther, pricing.Unknown, "policy_simulation"}).Draw(rt, "component"),
				Model:     rapid.StringMatching(`[a-z0-9. -]{0,12}`).Draw(rt, "model"), LongContext: rapid.Bool().Draw(rt, "long"),
				Tier: rapid.SampledFrom([]pricing.Tier{pricing.OnDemand, pricing.Flex, "later"}).Draw(rt, "tier"),
			}
			r.Unit = pricing.PricingUnit{Unit: rapid.SampledFrom(allUnits()).Draw(rt, "unit"), Exp: rapid.Int32Range(0, 6).Draw(rt, "exp")}
			r.Brackets = anyBrackets(rt)
			r.From = r.From.Add(1e9 * 3600 * 5)
			if rapid.Bool().Draw(rt, "ends") {
				r.To = r.From.Add(1)
			}
		})
		again(t, []pricing.Rate{r})
	})
}
