package pricing_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/spendclaim/spendclaim/pricing"
)

// story lists the rates of a card as "id [from, to) price".
func story(c *pricing.RateCard) []string {
	var out []string
	for _, r := range c.Rates() {
		to := "open"
		if !r.To.IsZero() {
			to = r.To.Format(time.DateOnly)
		}
		out = append(out, r.ID+" "+r.From.Format(time.DateOnly)+" "+to+" "+r.Price().String())
	}
	return out
}

func TestOverlayHoldsForItsDaysAlone(t *testing.T) {
	base := card(t, runtime(nil))
	private := runtime(func(r *pricing.Rate) {
		r.ID, r.From, r.To = "private", day("2026-05-01"), day("2026-07-01")
		r.Brackets, r.Status, r.Source = pricing.Flat(dec("0.07")), pricing.Confirmed, "agreement 7"
	})
	tests := []struct {
		name    string
		overlay pricing.Overlay
		want    []string
	}{
		{"nothing", pricing.Overlay{}, []string{"r 2026-01-01 open 0.0895"}},
		{"a rate in the middle", pricing.Overlay{Rates: []pricing.Rate{private}}, []string{
			"r 2026-01-01 2026-05-01 0.0895", "private 2026-05-01 2026-07-01 0.07", "r@2026-07-01 2026-07-01 open 0.0895",
		}},
		{"a discount", pricing.Overlay{Discounts: []pricing.Discount{
			{Group: pricing.GroupRuntime, From: day("2026-05-01"), To: day("2026-07-01"), Percent: dec("12.5"), Source: "EDP"},
		}}, []string{
			"r 2026-01-01 2026-05-01 0.0895", "r@2026-05-01 2026-05-01 2026-07-01 0.0783125", "r@2026-07-01 2026-07-01 open 0.0895",
		}},
		{"everything off", pricing.Overlay{Discounts: []pricing.Discount{{From: day("2026-01-01"), Percent: dec("100"), Source: "pilot"}}}, []string{"r 2026-01-01 open 0"}},
		{"discounts that follow each other", pricing.Overlay{Discounts: []pricing.Discount{
			{From: day("2025-01-01"), To: day("2026-03-01"), Percent: dec("10"), Source: "EDP 2025"},
			{From: day("2026-03-01"), Percent: dec("20"), Source: "EDP 2026"},
		}}, []string{"r 2026-01-01 2026-03-01 0.08055", "r@2026-03-01 2026-03-01 open 0.0716"}},
		{"no discount on a private rate", pricing.Overlay{
			Rates:     []pricing.Rate{private},
			Discounts: []pricing.Discount{{Component: pricing.RuntimeVCPU, Region: "us-east-1", From: day("2026-01-01"), Percent: dec("50"), Source: "EDP"}},
		}, []string{
			"r 2026-01-01 2026-05-01 0.04475", "private 2026-05-01 2026-07-01 0.07", "r@2026-07-01 2026-07-01 open 0.04475",
		}},
		{"the same id at its next price", pricing.Overlay{Rates: []pricing.Rate{
			runtime(func(r *pricing.Rate) { r.From, r.Brackets = day("2026-06-01"), pricing.Flat(dec("0.09")) }),
		}}, []string{"r 2026-01-01 2026-06-01 0.0895", "r@2026-06-01 2026-06-01 open 0.09"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := base.Overlay(tt.overlay)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, story(got)); diff != "" {
				t.Errorf("overlaid card (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string{"r 2026-01-01 open 0.0895"}, story(base)); diff != "" {
				t.Errorf("the card laid under changed (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDiscountKeepsStatusAndSaysSo(t *testing.T) {
	c, err := defaultCard(t).Overlay(pricing.Overlay{Discounts: []pricing.Discount{
		{Group: pricing.GroupBrowser, From: day("2026-01-01"), Percent: dec("10"), Source: "EDP"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Lookup(at(pricing.BrowserVCPU, "2026-05-01")); !errors.Is(err, pricing.ErrUnvalidatedRate) {
		t.Errorf("a discounted pending rate: error = %v, want ErrUnvalidatedRate", err)
	}
	for _, r := range c.Rates() {
		if got, want := !r.Discount.IsZero(), r.Meter.Component.Group() == pricing.GroupBrowser; got != want {
			t.Errorf("%s discounted = %t, want %t", r.Meter, got, want)
		}
	}
}

func TestDiscountByModelAndRegion(t *testing.T) {
	c, err := defaultCard(t).Overlay(pricing.Overlay{Discounts: []pricing.Discount{
		{Model: "claude opus-5", Region: "us-west-2", From: day("2026-01-01"), Percent: dec("10"), Source: "EDP"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	off := 0
	for _, r := range c.Rates() {
		want := r.Meter.Model == "Claude Opus 5" && r.Region == "us-west-2"
		if got := !r.Discount.IsZero(); got != want {
			t.Errorf("%s in %s discounted = %t, want %t", r.Meter, r.Region, got, want)
		}
		if want {
			off++
		}
	}
	if off != 14 {
		t.Errorf("%d rates discounted, want 14", off)
	}
}

func TestOverlayRefuses(t *testing.T) {
	ok := pricing.Discount{From: day("2026-05-01"), Percent: dec("10"), Source: "EDP"}
	with := func(edit func(*pricing.Discount)) []pricing.Discount {
		d := ok
		edit(&d)
		return []pricing.Discount{d}
	}
	tests := []struct {
		name    string
		overlay pricing.Overlay
		want    error
	}{
		{"two discounts on one rate", pricing.Overlay{Discounts: []pricing.Discount{ok, ok}}, pricing.ErrOverlap},
		{"a discount on nothing", pricing.Overlay{Discounts: with(func(d *pricing.Discount) { d.Model = "Claude Opus 5" })}, pricing.ErrNoRate},
		{"more than everything off", pricing.Overlay{Discounts: with(func(d *pricing.Discount) { d.Percent = dec("100.1") })}, pricing.ErrRate},
		{"a surcharge", pricing.Overlay{Discounts: with(func(d *pricing.Discount) { d.Percent = dec("-5") })}, pricing.ErrRate},
		{"nothing off", pricing.Overlay{Discounts: with(func(d *pricing.Discount) { d.Percent = dec("0") })}, pricing.ErrRate},
		{"no start", pricing.Overlay{Discounts: with(func(d *pricing.Discount) { d.From = time.Time{} })}, pricing.ErrRate},
		{"no agreement", pricing.Overlay{Discounts: with(func(d *pricing.Discount) { d.Source = "" })}, pricing.ErrRate},
		{"an empty interval", pricing.Overlay{Discounts: with(func(d *pricing.Discount) { d.To = d.From })}, pricing.ErrRate},
		{"private rates that overlap", pricing.Overlay{Rates: []pricing.Rate{
			runtime(func(r *pricing.Rate) { r.ID = "x" }), runtime(func(r *pricing.Rate) { r.ID = "y" }),
		}}, pricing.ErrOverlap},
		{"an incomplete private rate", pricing.Overlay{Rates: []pricing.Rate{runtime(func(r *pricing.Rate) { r.Source = "" })}}, pricing.ErrRate},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := card(t, runtime(nil)).Overlay(tt.overlay)
			var e *pricing.RateError
			if !errors.Is(err, tt.want) || !errors.As(err, &e) || e.Component == "" {
				t.Errorf("error = %v, want %v naming a component", err, tt.want)
			}
		})
	}
}

// TestOverlayChangesNothingElse asks every day of a year: inside the overlay its
// price, outside the listed one.
func TestOverlayChangesNothingElse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cut := day("2026-01-01").AddDate(0, 0, rapid.IntRange(1, 300).Draw(t, "cut"))
		base, err := pricing.NewRateCard([]pricing.Rate{
			runtime(func(r *pricing.Rate) { r.ID, r.To = "first", cut }),
			runtime(func(r *pricing.Rate) { r.ID, r.From, r.Brackets = "second", cut, pricing.Flat(dec("0.1")) }),
		})
		if err != nil {
			t.Fatal(err)
		}
		from := day("2026-01-01").AddDate(0, 0, rapid.IntRange(0, 300).Draw(t, "from"))
		to := from.AddDate(0, 0, rapid.IntRange(1, 90).Draw(t, "length"))
		over, err := base.Overlay(pricing.Overlay{Rates: []pricing.Rate{
			runtime(func(r *pricing.Rate) { r.ID, r.From, r.To, r.Brackets = "own", from, to, pricing.Flat(dec("0.01")) }),
		}})
		if err != nil {
			t.Fatal(err)
		}
		for d := day("2026-01-01"); d.Before(day("2027-06-01")); d = d.AddDate(0, 0, 1) {
			q := at(pricing.RuntimeVCPU, "2026-01-01")
			q.At = d
			got, err := over.Lookup(q)
			if err != nil {
				t.Fatal(err)
			}
			want, err := base.Lookup(q)
			if err != nil {
				t.Fatal(err)
			}
			price := want.Price()
			if !d.Before(from) && d.Before(to) {
				price = dec("0.01")
			}
			if !got.Price().Equal(price) {
				t.Fatalf("on %s the price is %s, want %s", d.Format(time.DateOnly), got.Price(), price)
			}
		}
	})
}
