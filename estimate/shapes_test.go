package estimate_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"github.com/spendclaim/spendclaim/estimate"
	"github.com/spendclaim/spendclaim/pricing"
	"pgregory.net/rapid"
)

// printed lists volumes as "meter quantity".
func printed(volumes []estimate.Volume) []string {
	var s []string
	for _, v := range volumes {
		s = append(s, v.Meter.String()+" "+v.Quantity.String())
	}
	return s
}

func TestShapes(t *testing.T) {
	model := pricing.Meter{Model: "Claude Opus 5", Routing: pricing.Global}
	for _, tt := range []struct {
		name  string
		shape interface {
			Volumes() ([]estimate.Volume, error)
		}
		want []string
	}{
		{
			"runtime sessions",
			estimate.Sessions{Group: pricing.GroupRuntime, PerDay: dec("10"), Minutes: dec("1"), VCPU: dec("0.5"), GB: dec("2"), Days: 1},
			[]string{"runtime_vcpu 0.0833333333", "runtime_memory 0.3333333333"},
		},
		{
			"short and small sessions are billed at a second and 128 MB",
			estimate.Sessions{Group: pricing.GroupBrowser, PerDay: dec("3600"), Minutes: dec("0.001"), VCPU: dec("1"), GB: dec("0.01"), Days: 2},
			[]string{"browser_vcpu 2", "browser_memory 0.25"},
		},
		{
			"interactions are rounded up",
			estimate.Interactions{PerDay: dec("1000"), Writes: dec("1.5"), Reads: dec("0.0001"), Days: 31},
			[]string{"memory_short_term 46500", "memory_long_term_retrieval 4"},
		},
		{
			"conversations without a cache",
			estimate.Conversations{Meter: model, PerDay: dec("2"), InputTokens: dec("3000"), OutputTokens: dec("500"), Days: 10},
			[]string{"model_input Claude Opus 5 global 60000", "model_output Claude Opus 5 global 10000"},
		},
		{
			"field rule 18: cached tokens are kinds of their own",
			estimate.Conversations{
				Meter: model, PerDay: dec("1"), InputTokens: dec("1001"), OutputTokens: dec("10"),
				CacheRead: dec("50"), CacheWrite: dec("50"), Days: 1,
			},
			[]string{
				"model_input Claude Opus 5 global 0", "model_output Claude Opus 5 global 10",
				"model_cache_read Claude Opus 5 global 501", "model_cache_write_5m Claude Opus 5 global 500",
			},
		},
		{
			"field rule 18: so are writes of an hour and batch calls",
			estimate.Conversations{
				Meter: pricing.Meter{Model: "M", Tier: pricing.Batch}, PerDay: dec("1"), InputTokens: dec("100"), OutputTokens: dec("0"),
				CacheWrite: dec("25"), OneHour: true, Days: 1,
			},
			[]string{"model_input M batch 75", "model_output M batch 0", "model_cache_write_1h M batch 25"},
		},
	} {
		volumes, err := tt.shape.Volumes()
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if diff := cmp.Diff(tt.want, printed(volumes)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestShapeRefusals(t *testing.T) {
	ok := estimate.Sessions{Group: pricing.GroupRuntime, PerDay: dec("1"), Minutes: dec("1"), VCPU: dec("1"), GB: dec("1"), Days: 30}
	noDays, backwards, hostile, elsewhere := ok, ok, ok, ok
	noDays.Days = 0
	backwards.Minutes = dec("-1")
	hostile.GB = decimal.New(1, 1<<30)
	elsewhere.Group = pricing.GroupMemory
	for _, tt := range []struct {
		name  string
		shape interface {
			Volumes() ([]estimate.Volume, error)
		}
		want error
		says string
	}{
		{"no days", noDays, estimate.ErrQuantity, "runtime_vcpu: days"},
		{"negative minutes", backwards, estimate.ErrQuantity, "-1"},
		{"hostile size", hostile, estimate.ErrQuantity, "out of bounds"},
		{"a group without compute", elsewhere, estimate.ErrMix, `"memory"`},
		{"negative reads", estimate.Interactions{Reads: dec("-1"), Days: 1}, estimate.ErrQuantity, "memory_short_term"},
		{"more cached than sent", estimate.Conversations{CacheRead: dec("60"), CacheWrite: dec("40.1"), Days: 1}, estimate.ErrMix, "60 and 40.1"},
		{"negative tokens", estimate.Conversations{InputTokens: dec("-1"), Days: 1}, estimate.ErrQuantity, "model_input"},
	} {
		_, err := tt.shape.Volumes()
		var e *estimate.Error
		if !errors.Is(err, tt.want) || !errors.As(err, &e) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: error = %v, want %v saying %q", tt.name, err, tt.want, tt.says)
		}
	}
}

func TestCacheSharesNeverLoseTokens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		read := rapid.Int64Range(0, 10000).Draw(t, "read")
		write := rapid.Int64Range(0, 10000-read).Draw(t, "write")
		c := estimate.Conversations{
			PerDay: decimal.NewFromInt(rapid.Int64Range(0, 9999).Draw(t, "a day")), InputTokens: dec("777.5"),
			CacheRead: decimal.New(read, -2), CacheWrite: decimal.New(write, -2), Days: rapid.IntRange(1, 400).Draw(t, "days"),
		}
		volumes, err := c.Volumes()
		if err != nil {
			t.Fatal(err)
		}
		sum := decimal.Decimal{}
		for _, v := range volumes {
			if v.Quantity.IsNegative() || !v.Quantity.IsInteger() {
				t.Fatalf("%s of %s", v.Quantity, v.Meter)
			}
			sum = sum.Add(v.Quantity)
		}
		want := c.PerDay.Mul(c.InputTokens).Mul(decimal.NewFromInt(int64(c.Days))).Ceil()
		if !sum.Equal(want) {
			t.Fatalf("kinds of input sum to %s, want %s", sum, want)
		}
	})
}

func TestMerge(t *testing.T) {
	a := estimate.Volume{Item: item(pricing.MemoryShortTerm), Quantity: dec("1")}
	b := estimate.Volume{Item: item(pricing.RuntimeVCPU), Quantity: dec("2")}
	stepped := a
	stepped.Step = dec("10")
	got := printed(estimate.Merge([]estimate.Volume{a, b}, nil, []estimate.Volume{b, stepped, a}))
	if diff := cmp.Diff([]string{"memory_short_term 2", "runtime_vcpu 4", "memory_short_term 1"}, got); diff != "" {
		t.Errorf("merged (-want +got):\n%s", diff)
	}
	same(t, "what was merged", a.Quantity, "1")
	hostile := a
	hostile.Quantity = decimal.New(1, 1<<30)
	if n := len(estimate.Merge([]estimate.Volume{a, hostile, hostile})); n != 3 {
		t.Errorf("absurd quantities were added: %d volumes, want 3", n)
	}
}
