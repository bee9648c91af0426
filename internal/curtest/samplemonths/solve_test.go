package main

import (
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/spendclaim/spendclaim/internal/curtest"
)

func TestSpreadKeepsTheTotal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		total := rapid.Int64Range(0, 1_000_000).Draw(t, "total")
		weights := rapid.SliceOfN(rapid.Int64Range(0, 20_000), 1, 80).Draw(t, "weights")
		sum, weight := int64(0), int64(0)
		got := spread(total, weights)
		for i, q := range got {
			sum += q
			weight += weights[i]
			if q < 0 || weights[i] == 0 && q > 0 {
				t.Fatalf("slot %d of weight %d got %d", i, weights[i], q)
			}
		}
		if weight > 0 && sum != total {
			t.Errorf("slots add up to %d, want %d", sum, total)
		}
	})
}

// From 338,310 steps of 0.00005 on, any amount is some number of vCPU- and GB-hours.
func TestSolveHitsItsTarget(t *testing.T) {
	p := newPrices()
	compute := cpuMem(p.runtimeCPU, p.runtimeMem)
	rapid.Check(t, func(t *rapid.T) {
		target := decimal.New(rapid.Int64Range(2000, 500_000).Draw(t, "cents"), -2)
		quantities, err := solve(target.String(), compute)
		if err != nil {
			t.Fatal(err)
		}
		got := decimal.Decimal{}
		for i, q := range quantities {
			got = got.Add(compute[i].sku.Price(decimal.New(q, 0)))
		}
		if !got.Equal(target) {
			t.Errorf("%v cost %s, want %s", quantities, got, target)
		}
	})
}

func TestSolveRefusesWhatCannotBe(t *testing.T) {
	p := newPrices()
	for _, c := range []struct {
		name, target string
		parts        []part
		want         string
	}{
		{"one meter that does not divide", "9.46", []part{{p.codeMem, 1000}}, "no whole number of GB-Hours"},
		{"prices with a factor the target lacks", "31", []part{{p.sonnetOut, 500}, {p.sonnetIn, 500}}, "no whole quantities"},
		{"a target finer than money is counted", "0.00000000001", []part{{p.codeMem, 1000}}, "finer than 10 places"},
		{"a meter without a price", "1", []part{{(&curtest.SKU{UsageType: "Free"}).Finish(), 1000}}, "no whole step"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, err := solve(c.target, c.parts); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, %v; want an error with %q", got, err, c.want)
			}
		})
	}
}
