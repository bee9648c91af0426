package estimate_test

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/spendclaim/spendclaim/estimate"
	"github.com/spendclaim/spendclaim/internal/samples"
	"github.com/spendclaim/spendclaim/pricing"
	"pgregory.net/rapid"
)

func cell(variant, usage, cost string) estimate.Cell {
	return estimate.Cell{
		Component: pricing.ModelInput, Unit: pricing.Tokens, Variant: variant, Usage: dec(usage), Cost: dec(cost),
	}
}

func TestVarianceTerms(t *testing.T) {
	for _, tt := range []struct {
		name                            string
		c                               estimate.Comparison
		price, volume, mix, attribution string
	}{
		{
			name:  "nothing",
			price: "0", volume: "0", mix: "0", attribution: "0",
		},
		{
			name:  "dearer",
			c:     estimate.Comparison{Before: []estimate.Cell{cell("a", "100", "10")}, After: []estimate.Cell{cell("a", "100", "12")}},
			price: "2", volume: "0", mix: "0", attribution: "0",
		},
		{
			name:  "more at the same price, which has no finite decimals",
			c:     estimate.Comparison{Before: []estimate.Cell{cell("a", "3", "1")}, After: []estimate.Cell{cell("a", "6", "2")}},
			price: "0", volume: "1", mix: "0", attribution: "0",
		},
		{
			name:  "rounded terms still close, and zero terms stay zero",
			c:     estimate.Comparison{Before: []estimate.Cell{cell("a", "3", "1")}, After: []estimate.Cell{cell("a", "4", "2")}},
			price: "0.6666666667", volume: "0.3333333333", mix: "0", attribution: "0",
		},
		{
			name: "moved to a dearer model",
			c: estimate.Comparison{
				Before: []estimate.Cell{cell("a", "80", "8"), cell("b", "20", "10")},
				After:  []estimate.Cell{cell("a", "20", "2"), cell("b", "80", "40")},
			},
			price: "0", volume: "0", mix: "24", attribution: "0",
		},
		{
			name: "a new model beside the old",
			c: estimate.Comparison{
				Before: []estimate.Cell{cell("a", "100", "10")},
				After:  []estimate.Cell{cell("a", "100", "10"), cell("b", "100", "50")},
			},
			price: "0", volume: "10", mix: "40", attribution: "0",
		},
		{
			name: "new component", c: estimate.Comparison{After: []estimate.Cell{cell("a", "100", "10"), cell("b", "1", "9")}},
			price: "0", volume: "19", mix: "0", attribution: "0",
		},
		{
			name: "component gone", c: estimate.Comparison{Before: []estimate.Cell{cell("a", "100", "10"), cell("b", "1", "9")}},
			price: "0", volume: "-19", mix: "0", attribution: "0",
		},
		{
			name: "a charge without usage",
			c: estimate.Comparison{
				Before: []estimate.Cell{cell("a", "100", "10"), cell("fee", "0", "5")},
				After:  []estimate.Cell{cell("a", "100", "10"), cell("fee", "0", "7")},
			},
			price: "2", volume: "0", mix: "0", attribution: "0",
		},
		{
			name: "a charge without usage beside more use",
			c: estimate.Comparison{
				Before: []estimate.Cell{cell("a", "100", "10"), cell("fee", "0", "5")},
				After:  []estimate.Cell{cell("a", "200", "20"), cell("fee", "0", "7")},
			},
			price: "2", volume: "10", mix: "0", attribution: "0",
		},
		{
			name: "what rounding leaves over goes to the largest term",
			c: estimate.Comparison{
				Before: []estimate.Cell{cell("a", "2", "0.0000000001")}, After: []estimate.Cell{cell("a", "3", "0.0000000002")},
			},
			price: "0", volume: "0.0000000001", mix: "0", attribution: "0",
		},
		{
			name: "all terms at once",
			c: estimate.Comparison{
				Before: []estimate.Cell{cell("a", "100", "10"), cell("b", "100", "30")},
				After:  []estimate.Cell{cell("a", "100", "12"), cell("b", "300", "90"), cell("c", "100", "40")},
			},
			// a is 2 dearer; 300 more at 0.2; the rest went to dearer variants.
			price: "2", volume: "60", mix: "40", attribution: "0",
		},
		{
			name: "a claim brought usage in, and another took some away",
			c: estimate.Comparison{
				Before: []estimate.Cell{cell("a", "100", "10")}, After: []estimate.Cell{cell("a", "130", "14.3")},
				Gained: []estimate.Cell{cell("a", "50", "5.5")}, Lost: []estimate.Cell{cell("a", "40", "4")},
			},
			// 60 → 80 at 0.1, then 80 × 0.01 dearer.
			price: "0.8", volume: "2", mix: "0", attribution: "1.5",
		},
		{
			name: "all of it changed hands",
			c: estimate.Comparison{
				Before: []estimate.Cell{cell("a", "100", "10")}, Lost: []estimate.Cell{cell("a", "100", "10")},
			},
			price: "0", volume: "0", mix: "0", attribution: "-10",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v, err := estimate.Explain(tt.c)
			if err != nil {
				t.Fatal(err)
			}
			same(t, "price", v.Total.Price, tt.price)
			same(t, "volume", v.Total.Volume, tt.volume)
			same(t, "mix", v.Total.Mix, tt.mix)
			same(t, "attribution", v.Total.Attribution, tt.attribution)
			closes(t, v.Total)
		})
	}
}

type fataler interface {
	Helper()
	Fatalf(string, ...any)
}

// closes checks the identity to the last digit.
func closes(t fataler, v estimate.Terms) {
	t.Helper()
	if sum := v.Price.Add(v.Volume).Add(v.Mix).Add(v.Attribution); !sum.Equal(v.Difference) || !v.After.Sub(v.Before).Equal(v.Difference) {
		t.Fatalf("terms sum to %s, difference is %s, after less before %s", sum, v.Difference, v.After.Sub(v.Before))
	}
}

func TestVarianceCloses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var c estimate.Comparison
		for range rapid.IntRange(0, 12).Draw(t, "cells") {
			x := estimate.Cell{
				Component: rapid.SampledFrom(wares[:2]).Draw(t, "component"), Unit: "u",
				Variant: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "variant"),
				Usage:   decimal.New(rapid.Int64Range(0, 10000).Draw(t, "usage"), -3),
				Cost:    decimal.New(rapid.Int64Range(-50, 100000).Draw(t, "cost"), -rapid.Int32Range(0, 13).Draw(t, "scale")),
			}
			if rapid.Bool().Draw(t, "before") {
				c.Before = append(c.Before, x)
				if rapid.IntRange(0, 4).Draw(t, "lost") == 0 {
					c.Lost = append(c.Lost, x)
				}
			} else {
				c.After = append(c.After, x)
				if rapid.IntRange(0, 4).Draw(t, "gained") == 0 {
					c.Gained = append(c.Gained, x)
				}
			}
		}
		v, err := estimate.Explain(c)
		if err != nil {
			t.Fatal(err)
		}
		closes(t, v.Total)
		var sum estimate.Terms
		for _, l := range v.Lines {
			closes(t, l.Terms)
			sum.Price, sum.Volume, sum.Mix = sum.Price.Add(l.Price), sum.Volume.Add(l.Volume), sum.Mix.Add(l.Mix)
			sum.Before, sum.After = sum.Before.Add(l.Before), sum.After.Add(l.After)
		}
		if !sum.Price.Equal(v.Total.Price) || !sum.Volume.Equal(v.Total.Volume) || !sum.Mix.Equal(v.Total.Mix) ||
			!sum.Before.Equal(v.Total.Before) || !sum.After.Equal(v.Total.After) {
			t.Fatalf("lines sum to %+v, total is %+v", sum, v.Total)
		}
		want := decimal.Decimal{}
		for _, x := range c.After {
			want = want.Add(x.Cost)
		}
		if !v.Total.After.Equal(want) {
			t.Fatalf("after = %s, want %s", v.Total.After, want)
		}
	})
}

func TestExplainRefusals(t *testing.T) {
	for _, tt := range []struct {
		name string
		c    estimate.Comparison
		want error
		says string
	}{
		{"negative usage", estimate.Comparison{Before: []estimate.Cell{cell("a", "-1", "1")}}, estimate.ErrQuantity, "model_input: before"},
		{"hostile cost", estimate.Comparison{After: []estimate.Cell{{Cost: decimal.New(1, 1<<30)}}}, estimate.ErrQuantity, "after"},
		{"gained what is not there", estimate.Comparison{Gained: []estimate.Cell{cell("a", "1", "1")}}, estimate.ErrMix, `model_input: gained more of "a"`},
		{"lost more than there was", estimate.Comparison{
			Before: []estimate.Cell{cell("a", "1", "1")}, Lost: []estimate.Cell{cell("a", "2", "1")},
		}, estimate.ErrMix, `lost more of "a"`},
	} {
		_, err := estimate.Explain(tt.c)
		var e *estimate.Error
		if !errors.Is(err, tt.want) || !errors.As(err, &e) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: error = %v, want %v saying %q", tt.name, err, tt.want, tt.says)
		}
	}
}

// TestVarianceNamesTheDriver holds the terms against cases whose cause is known:
// the days from the onset on against the same weekdays a week earlier.
func TestVarianceNamesTheDriver(t *testing.T) {
	dir := samples.Path(t, "anomaly", "why-cases")
	var truth map[string]struct {
		Onset, Component, Driver string
		Workloads                []string
	}
	b, err := os.ReadFile(dir + "/truth.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &truth); err != nil {
		t.Fatal(err)
	}
	for name, want := range truth {
		f, err := os.Open(dir + "/" + name + "-cost.csv")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		rows, err := csv.NewReader(f).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		var c estimate.Comparison
		weekEarlier := day(want.Onset).AddDate(0, 0, -7)
		for _, r := range rows[1:] {
			if r[4] != want.Component || len(want.Workloads) > 0 && r[1] != want.Workloads[0] {
				continue
			}
			class := pricing.Classify(pricing.Usage{ProductCode: "AmazonBedrock", UsageType: r[5]})
			x := estimate.Cell{Component: class.Component, Unit: pricing.Unit(r[6]), Variant: r[5], Usage: dec(r[9]), Cost: dec(r[11])}
			switch d := day(r[0]); {
			case !d.Before(day(want.Onset)):
				c.After = append(c.After, x)
			case !d.Before(weekEarlier) && d.AddDate(0, 0, 7).Before(day("2026-05-18")):
				c.Before = append(c.Before, x)
			}
		}
		v, err := estimate.Explain(c)
		if err != nil {
			t.Fatal(err)
		}
		got, largest := "volume", v.Total.Volume.Abs()
		if v.Total.Price.Abs().GreaterThan(largest) {
			got, largest = "price", v.Total.Price.Abs()
		}
		if v.Total.Mix.Abs().GreaterThan(largest) {
			got = "mix"
		}
		driver := want.Driver
		if strings.HasSuffix(driver, "_resource") {
			driver = "volume" // more or less of the same usage types
		}
		if got != driver {
			t.Errorf("%s: largest term is %s, want %s (%+v)", name, got, driver, v.Total)
		}
	}
}
