package pricing_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/spendclaim/spendclaim/pricing"
)

func dec(s string) decimal.Decimal { return decimal.RequireFromString(s) }

func day(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err) // a slip in the test's own table
	}
	return t
}

// runtime returns a rate that is complete, to be spoilt by tests.
func runtime(edit func(*pricing.Rate)) pricing.Rate {
	r := pricing.Rate{
		ID: "r", Meter: pricing.Meter{Component: pricing.RuntimeVCPU}, Region: "us-east-1", Currency: "USD",
		From: day("2026-01-01"), Unit: pricing.PricingUnit{Unit: pricing.VCPUHours},
		Brackets: pricing.Flat(dec("0.0895")), Status: pricing.Published, Source: "test",
	}
	if edit != nil {
		edit(&r)
	}
	return r
}

func TestCostIsExactAndGraduated(t *testing.T) {
	graduated := []pricing.Bracket{{Price: dec("0")}, {From: dec("100"), Price: dec("0.01")}, {From: dec("1000"), Price: dec("0.005")}}
	tests := []struct {
		name     string
		brackets []pricing.Bracket
		quantity string
		want     string
	}{
		{"nothing", pricing.Flat(dec("0.0895")), "0", "0"},
		{"whole hours", pricing.Flat(dec("0.0895")), "100", "8.95"},
		{"the source document's code interpreter memory", pricing.Flat(dec("0.00945")), "200", "1.89"},
		{"many digits stay", pricing.Flat(dec("0.0895")), "0.333333333333333333", "0.0298333333333333333035"},
		{"within the free tier", graduated, "99", "0"},
		{"the free tier to its edge", graduated, "100", "0"},
		{"one past the free tier", graduated, "101", "0.01"},
		{"the second bracket to its edge", graduated, "1000", "9"},
		{"one past the second bracket", graduated, "1001", "9.005"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := runtime(func(r *pricing.Rate) { r.Brackets = tt.brackets })
			got, err := r.Cost(dec(tt.quantity))
			if err != nil {
				t.Fatal(err)
			}
			if !got.Equal(dec(tt.want)) {
				t.Errorf("Cost(%s) = %s, want %s", tt.quantity, got, tt.want)
			}
		})
	}
	r := runtime(func(r *pricing.Rate) { r.Brackets = graduated })
	if got := r.Free(); !got.Equal(dec("100")) {
		t.Errorf("Free() = %s, want 100", got)
	}
	if got := r.Price(); !got.Equal(dec("0.01")) {
		t.Errorf("Price() = %s, want 0.01, past the free tier", got)
	}
}

func TestCostTakesQuantitiesAtTheBounds(t *testing.T) {
	for _, q := range []decimal.Decimal{dec("999999999999999999"), decimal.New(1, 17), decimal.New(1, -18), decimal.New(0, 60), decimal.New(0, -60)} {
		if _, err := runtime(nil).Cost(q); err != nil {
			t.Errorf("Cost(%s): %v", q, err)
		}
	}
}

func TestCostRefusesImpossibleQuantities(t *testing.T) {
	for _, q := range []decimal.Decimal{
		dec("-1"), dec("-0.000001"), decimal.New(1, 18), decimal.New(1, 2_000_000_000), decimal.New(0, 2_000_000_000),
		decimal.New(1, -19), decimal.New(1, -2_000_000_000),
	} {
		_, err := runtime(nil).Cost(q)
		var at *pricing.RateError
		if !errors.Is(err, pricing.ErrQuantity) || !errors.As(err, &at) || at.Component != pricing.RuntimeVCPU {
			t.Errorf("Cost(%de%d) error = %v, want ErrQuantity naming runtime_vcpu", q.Coefficient(), q.Exponent(), err)
		}
	}
}

// anyBrackets draws brackets whose edges and prices are small decimals.
func anyBrackets(t *rapid.T) []pricing.Bracket {
	n := rapid.IntRange(1, 5).Draw(t, "brackets")
	at, out := decimal.Zero, []pricing.Bracket(nil)
	for range n {
		out = append(out, pricing.Bracket{From: at, Price: decimal.New(rapid.Int64Range(0, 1e6).Draw(t, "price"), -9)})
		at = at.Add(decimal.New(rapid.Int64Range(1, 1e6).Draw(t, "width"), -2))
	}
	return out
}

func TestCostIsMonotoneAndContinuousAtEdges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := runtime(func(r *pricing.Rate) { r.Brackets = anyBrackets(t) })
		cost := func(q decimal.Decimal) decimal.Decimal {
			c, err := r.Cost(q)
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		a := decimal.New(rapid.Int64Range(0, 1e9).Draw(t, "a"), -3)
		b := a.Add(decimal.New(rapid.Int64Range(0, 1e9).Draw(t, "more"), -3))
		if cost(a).GreaterThan(cost(b)) {
			t.Fatalf("Cost(%s) = %s exceeds Cost(%s) = %s", a, cost(a), b, cost(b))
		}
		// A step over an edge costs that part of it which lies on each side, at
		// that side's price, and so nothing more than the dearer price.
		tiny := decimal.New(1, -6)
		for i, br := range r.Brackets[1:] {
			below, above := cost(br.From.Sub(tiny)), cost(br.From.Add(tiny))
			if got, want := cost(br.From).Sub(below), tiny.Mul(r.Brackets[i].Price); !got.Equal(want) {
				t.Fatalf("step up to edge %s costs %s, want %s", br.From, got, want)
			}
			if got, want := above.Sub(cost(br.From)), tiny.Mul(br.Price); !got.Equal(want) {
				t.Fatalf("step past edge %s costs %s, want %s", br.From, got, want)
			}
		}
	})
}

func TestNewRateCardRefusesIncompleteRates(t *testing.T) {
	tests := []struct {
		name string
		edit func(*pricing.Rate)
		want error
		says string
	}{
		{"no region", func(r *pricing.Rate) { r.Region = "" }, pricing.ErrRate, "no region"},
		{"no currency", func(r *pricing.Rate) { r.Currency = " " }, pricing.ErrRate, "no currency"},
		{"no start", func(r *pricing.Rate) { r.From = time.Time{} }, pricing.ErrRate, "no start"},
		{"no source", func(r *pricing.Rate) { r.Source = "" }, pricing.ErrRate, "no source"},
		{"no status", func(r *pricing.Rate) { r.Status = "" }, pricing.ErrRate, "status"},
		{"pending without an id", func(r *pricing.Rate) { r.ID, r.Status = "", pricing.Pending }, pricing.ErrRate, "without an id"},
		{"ends at its start", func(r *pricing.Rate) { r.To = r.From }, pricing.ErrRate, "ends before"},
		{"no unit", func(r *pricing.Rate) { r.Unit = pricing.PricingUnit{} }, pricing.ErrUnit, ""},
		{"no unit where any would do", func(r *pricing.Rate) { r.Meter.Component, r.Unit = pricing.RuntimeVCPU, pricing.PricingUnit{Exp: 3} }, pricing.ErrUnit, `""`},
		{"a unit smaller than one", func(r *pricing.Rate) { r.Unit.Exp = -1 }, pricing.ErrUnit, ""},
		{"a unit larger than any", func(r *pricing.Rate) { r.Unit.Exp = 10 }, pricing.ErrUnit, ""},
		{"unit of another component", func(r *pricing.Rate) { r.Unit.Unit = pricing.Events }, pricing.ErrUnit, "vCPU-hours are counted"},
		{"no price", func(r *pricing.Rate) { r.Brackets = nil }, pricing.ErrBrackets, "none"},
		{"negative price", func(r *pricing.Rate) { r.Brackets = pricing.Flat(dec("-1")) }, pricing.ErrBrackets, "price negative"},
		{"first bracket not at zero", func(r *pricing.Rate) { r.Brackets[0].From = dec("1") }, pricing.ErrBrackets, "begins at 1"},
		{"brackets that do not rise", func(r *pricing.Rate) {
			r.Brackets = []pricing.Bracket{{}, {From: dec("5")}, {From: dec("5")}}
		}, pricing.ErrBrackets, "5 follows 5"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := pricing.NewRateCard([]pricing.Rate{runtime(tt.edit)})
			var at *pricing.RateError
			if !errors.Is(err, tt.want) || !errors.As(err, &at) || at.Component != pricing.RuntimeVCPU {
				t.Fatalf("error = %v, want %v naming runtime_vcpu", err, tt.want)
			}
			if !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error = %v, want it to say %q", err, tt.says)
			}
		})
	}
}

func TestUnitsAtTheirBounds(t *testing.T) {
	for _, exp := range []int32{0, 9} {
		if _, err := pricing.NewRateCard([]pricing.Rate{runtime(func(r *pricing.Rate) { r.Unit.Exp = exp })}); err != nil {
			t.Errorf("a rate per 10^%d: %v", exp, err)
		}
	}
	other := runtime(func(r *pricing.Rate) { r.Meter.Component, r.Unit.Unit = pricing.ModelOther, "" })
	if _, err := pricing.NewRateCard([]pricing.Rate{other}); !errors.Is(err, pricing.ErrUnit) {
		t.Errorf("a rate of model_other without a unit: error = %v, want ErrUnit", err)
	}
}

func TestIDsNameOneRate(t *testing.T) {
	_, err := pricing.NewRateCard([]pricing.Rate{runtime(nil), runtime(func(r *pricing.Rate) { r.Region = "us-west-2" })})
	if !errors.Is(err, pricing.ErrRate) || !strings.Contains(err.Error(), "id is taken") {
		t.Errorf("one id twice: error = %v, want ErrRate", err)
	}
	blank := func(region string) pricing.Rate {
		return runtime(func(r *pricing.Rate) { r.ID, r.Region = "", region })
	}
	if _, err := pricing.NewRateCard([]pricing.Rate{blank("us-east-1"), blank("us-west-2")}); err != nil {
		t.Errorf("blank ids are no ids: %v", err)
	}
}

func TestNewRateCardReportsEveryFault(t *testing.T) {
	_, err := pricing.NewRateCard([]pricing.Rate{
		runtime(func(r *pricing.Rate) { r.Region = "" }),
		runtime(func(r *pricing.Rate) { r.ID, r.Brackets = "s", nil }),
	})
	if !errors.Is(err, pricing.ErrRate) || !errors.Is(err, pricing.ErrBrackets) {
		t.Errorf("error = %v, want both faults", err)
	}
}

func TestFreeRates(t *testing.T) {
	never := runtime(func(r *pricing.Rate) { r.Brackets = pricing.Flat(dec("0")) })
	if !never.Price().IsZero() || !never.Free().IsZero() {
		t.Errorf("a rate that costs nothing has price %s and %s free, want 0 and 0: it has no edge to be free up to", never.Price(), never.Free())
	}
	if cost, err := never.Cost(dec("1000000")); err != nil || !cost.IsZero() {
		t.Errorf("a million at no price cost %s, %v", cost, err)
	}
}

func TestPlainTierAndRoutingHaveNames(t *testing.T) {
	for got, want := range map[string]string{
		pricing.OnDemand.String(): "on_demand", pricing.Batch.String(): "batch", pricing.Tier("later").String(): "later",
		pricing.Regional.String(): "regional", pricing.Global.String(): "global",
	} {
		if got != want {
			t.Errorf("named %q, want %q", got, want)
		}
	}
	m := pricing.Meter{Component: pricing.ModelInput, Model: "Nova Lite", Tier: pricing.Batch, LongContext: true, Variant: "mantle"}
	if got, want := m.String(), "model_input Nova Lite batch long context mantle"; got != want {
		t.Errorf("Meter.String() = %q, want %q", got, want)
	}
}
