package estimate_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/spendclaim/spendclaim/estimate"
	"github.com/spendclaim/spendclaim/pricing"
	"pgregory.net/rapid"
)

func item(c pricing.Component) estimate.Item {
	return estimate.Item{Meter: pricing.Meter{Component: c}}
}

// rate is a rate of us-east-1 that holds since 2026; brackets are from, price, ….
func rate(c pricing.Component, brackets ...string) pricing.Rate {
	r := pricing.Rate{
		ID: "test/" + string(c), Meter: pricing.Meter{Component: c}, Region: "us-east-1", Currency: "USD",
		From: day("2026-01-01"), Unit: pricing.PricingUnit{Unit: c.Unit()}, Status: pricing.Confirmed, Source: "this test",
	}
	for i := 0; i < len(brackets); i += 2 {
		r.Brackets = append(r.Brackets, pricing.Bracket{From: dec(brackets[i]), Price: dec(brackets[i+1])})
	}
	return r
}

func pricer(t testing.TB, rates ...pricing.Rate) *estimate.Pricer {
	t.Helper()
	card, err := pricing.NewRateCard(rates)
	if err != nil {
		t.Fatal(err)
	}
	return &estimate.Pricer{Card: card, Region: "us-east-1", Currency: "USD", Period: month("2026-05")}
}

func quantities(e estimate.Estimate) []string {
	var q []string
	for _, l := range e.Lines {
		q = append(q, l.Quantity.String())
	}
	return q
}

func TestBySharesReportsWhatEachLineLeaves(t *testing.T) {
	s, err := may(t).ByShares(dec("100"), []estimate.Share{
		{item(pricing.RuntimeVCPU), dec("1")},
		{item(pricing.MemoryShortTerm), dec("2")},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(quantities(s.Estimate), " "), "372 266666"; got != want {
		t.Errorf("volumes = %s, want %s", got, want)
	}
	same(t, "runtime cost", s.Lines[0].Cost, "33.294")
	sameNull(t, "runtime share", s.Lines[0].Share, "33.333333333333")
	sameNull(t, "runtime unspent", s.Lines[0].Unspent(), "0.039333333333")
	same(t, "memory cost", s.Lines[1].Cost, "66.6665")
	sameNull(t, "memory share", s.Lines[1].Share, "66.666666666666")
	same(t, "unshared", s.Unshared, "0.000000000001")
	same(t, "unspent", s.Unspent, "0.0395")
}

func TestByRatioFindsTheLargestMultiple(t *testing.T) {
	// A conversation writes 6 events and retrieves 2 records: 0.0025 USD.
	s, err := may(t).ByRatio(dec("10.0049"), []estimate.Part{
		{item(pricing.MemoryShortTerm), dec("6")},
		{item(pricing.MemoryLongTermRetrieval), dec("2")},
	})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "multiple", s.Multiple, "4001")
	same(t, "total", s.Total, "10.0025")
	same(t, "unspent", s.Unspent, "0.0024")
}

func TestByFreeSpendsWhatFixedLinesLeave(t *testing.T) {
	fixed := []estimate.Volume{{item(pricing.MemoryShortTerm), dec("50000")}}
	s, err := may(t).ByFree(dec("20"), fixed, item(pricing.MemoryLongTermRetrieval))
	if err != nil {
		t.Fatal(err)
	}
	same(t, "free line", s.Lines[1].Quantity, "15000") // 20 − 12.50 = 7.50
	same(t, "unspent", s.Unspent, "0")
	same(t, "next step", s.Lines[1].NextStep, "0.0005")

	_, err = may(t).ByFree(dec("12.49"), fixed, item(pricing.MemoryLongTermRetrieval))
	if !errors.Is(err, estimate.ErrBudget) || !strings.Contains(err.Error(), "12.5 of 12.49") {
		t.Errorf("fixed lines above the budget: error = %v, want %v naming both sums", err, estimate.ErrBudget)
	}
}

func TestSharesAreAsFineAsCosts(t *testing.T) {
	p := pricer(t, rate(pricing.MemoryShortTerm, "0", "0.0000000000003"), rate(pricing.RuntimeVCPU, "0", "1"))
	s, err := p.ByShares(dec("0.0000000000013"), []estimate.Share{
		{item(pricing.MemoryShortTerm), dec("1")}, {item(pricing.RuntimeVCPU), dec("1")},
	})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "events", s.Lines[0].Quantity, "2")
	sameNull(t, "unspent", s.Lines[0].Unspent(), "0")
}

func TestSpellingsOfOneModelAreOneLine(t *testing.T) {
	spelled := func(model string) estimate.Volume {
		m := pricing.Meter{Component: pricing.ModelInput, Model: model}
		return estimate.Volume{Item: estimate.Item{Meter: m}, Quantity: dec("1")}
	}
	r := rate(pricing.ModelInput, "0", "1")
	r.Meter.Model = "Nova Lite"
	p := pricer(t, r)
	if _, err := p.Price([]estimate.Volume{spelled("Nova Lite"), spelled("NovaLite")}); !errors.Is(err, estimate.ErrMix) {
		t.Errorf("error = %v, want %v", err, estimate.ErrMix)
	}
}

func TestFreeTierIsBoughtWithNoMoney(t *testing.T) {
	p := pricer(t, rate(pricing.MemoryShortTerm, "0", "0", "1000", "0.5", "1010", "0.25"))
	for _, tt := range []struct{ budget, want string }{
		{"0", "1000"}, {"0.49", "1000"}, {"0.5", "1001"}, {"5", "1010"}, {"5.25", "1011"}, {"6", "1014"},
	} {
		s, err := p.ByFree(dec(tt.budget), nil, item(pricing.MemoryShortTerm))
		if err != nil {
			t.Fatal(err)
		}
		same(t, "events for "+tt.budget, s.Lines[0].Quantity, tt.want)
	}
}

func TestStepsAndMinimums(t *testing.T) {
	p := pricer(t, rate(pricing.RuntimeVCPU, "0", "0.1"))
	i := item(pricing.RuntimeVCPU)
	i.Step, i.Minimum = dec("0.25"), dec("10")
	for _, tt := range []struct{ budget, want string }{
		{"0.99", "0"},       // the minimum costs 1
		{"1", "10"},         // all that the minimum pays for
		{"1.0499", "10.25"}, // 10.25 × 0.1 = 1.025
	} {
		s, err := p.ByFree(dec(tt.budget), nil, i)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "hours for "+tt.budget, s.Lines[0].Quantity, tt.want)
	}
	e, err := p.Price([]estimate.Volume{{i, dec("3")}})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "cost below the minimum", e.Total, "1")
}

func TestRatesOfTheDateAreTaken(t *testing.T) {
	old, changed := rate(pricing.MemoryShortTerm, "0", "0.001"), rate(pricing.MemoryShortTerm, "0", "0.002")
	old.To, changed.From, changed.ID = day("2026-05-15"), day("2026-05-15"), "test/changed"
	p := pricer(t, old, changed)
	volumes := []estimate.Volume{{item(pricing.MemoryShortTerm), dec("1000")}}
	for _, tt := range []struct{ on, want string }{{"2026-05-01", "1"}, {"2026-05-14", "1"}, {"2026-05-15", "2"}} {
		p.On = day(tt.on)
		e, err := p.Price(volumes)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "total on "+tt.on, e.Total, tt.want)
	}
}

func TestOverlaidRatesAreTaken(t *testing.T) {
	card, err := pricing.DefaultCard()
	if err != nil {
		t.Fatal(err)
	}
	card, err = card.Overlay(pricing.Overlay{Discounts: []pricing.Discount{{
		Group: pricing.GroupMemory, From: day("2026-05-01"), To: day("2026-06-01"), Percent: dec("10"), Source: "agreement",
	}}})
	if err != nil {
		t.Fatal(err)
	}
	p := may(t)
	p.Card = card
	e, err := p.Price([]estimate.Volume{{item(pricing.MemoryShortTerm), dec("50000")}})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "discounted", e.Total, "11.25")
	same(t, "discount", e.Lines[0].Rate.Discount, "10")
}

func TestRefusals(t *testing.T) {
	p := may(t)
	free := pricer(t, rate(pricing.MemoryShortTerm, "0", "0"), rate(pricing.MemoryLongTermRetrieval, "0", "0.5", "10", "0"))
	bracketed := pricer(t, rate(pricing.MemoryShortTerm, "0", "0", "1000", "0.5"))
	bracketed.Period = estimate.Interval{From: day("2026-05-01"), To: day("2026-06-02")}
	empty := *p
	empty.Period = estimate.Interval{}
	event, vcpu := item(pricing.MemoryShortTerm), item(pricing.RuntimeVCPU)
	halfStep := event
	halfStep.Step = dec("0.5")
	huge := decimal.New(1, 1<<30)
	nano := item(pricing.BrowserVCPU)

	for _, tt := range []struct {
		name string
		do   func() error
		want error
		says string
	}{
		{"no volume", func() error { _, err := p.Price(nil); return err }, estimate.ErrMix, "[2026-05-01, 2026-06-01)"},
		{"negative volume", func() error { _, err := p.Price([]estimate.Volume{{event, dec("-1")}}); return err }, estimate.ErrQuantity, "memory_short_term [2026-05-01, 2026-06-01): quantity -1"},
		{"half an event", func() error { _, err := p.Price([]estimate.Volume{{event, dec("1.5")}}); return err }, estimate.ErrQuantity, "1.5"},
		{"absurd volume", func() error { _, err := p.Price([]estimate.Volume{{event, dec("1e18")}}); return err }, estimate.ErrQuantity, "memory_short_term"},
		{"hostile exponent", func() error { _, err := p.Price([]estimate.Volume{{vcpu, huge}}); return err }, estimate.ErrQuantity, "out of bounds"},
		{"finer than any meter", func() error { _, err := p.Price([]estimate.Volume{{vcpu, dec("1e-37")}}); return err }, estimate.ErrQuantity, "out of bounds"},
		{"more digits than any meter", func() error {
			_, err := p.Price([]estimate.Volume{{vcpu, decimal.New(1, 24).Pow(dec("3"))}})
			return err
		}, estimate.ErrQuantity, "runtime_vcpu"},
		{"named twice", func() error { _, err := p.Price([]estimate.Volume{{event, dec("1")}, {event, dec("2")}}); return err }, estimate.ErrMix, "twice"},
		{"no period", func() error { _, err := empty.Price([]estimate.Volume{{event, dec("1")}}); return err }, estimate.ErrPeriod, "memory_short_term"},
		{"no card", func() error {
			_, err := (&estimate.Pricer{Period: month("2026-05")}).Price([]estimate.Volume{{event, dec("1")}})
			return err
		}, pricing.ErrNoRate, "no rate card"},
		{"no rate", func() error { _, err := p.Price([]estimate.Volume{{item(pricing.GatewayData), dec("1")}}); return err }, pricing.ErrNoRate, "gateway_data [2026-05-01"},
		{"pending rate", func() error { _, err := p.Price([]estimate.Volume{{nano, dec("1")}}); return err }, pricing.ErrUnvalidatedRate, "browser_vcpu"},
		{"conflicting rates", func() error {
			_, err := p.Price([]estimate.Volume{{item(pricing.PolicyAuthoring), dec("1")}})
			return err
		}, pricing.ErrUnvalidatedRate, "per-10k"},
		{"brackets over months", func() error { _, err := bracketed.Price([]estimate.Volume{{event, dec("1")}}); return err }, estimate.ErrPeriod, "brackets count by month"},
		{"half a step", func() error { _, err := p.Price([]estimate.Volume{{halfStep, dec("1")}}); return err }, estimate.ErrQuantity, "step 0.5"},
		{"negative budget", func() error { _, err := p.ByShares(dec("-1"), []estimate.Share{{event, dec("1")}}); return err }, estimate.ErrQuantity, "budget -1"},
		{"hostile budget", func() error { _, err := p.ByFree(huge, nil, event); return err }, estimate.ErrQuantity, "out of bounds"},
		{"empty mix", func() error { _, err := p.ByShares(dec("1"), nil); return err }, estimate.ErrMix, "no weight"},
		{"weights of zero", func() error { _, err := p.ByShares(dec("1"), []estimate.Share{{event, dec("0")}}); return err }, estimate.ErrMix, "no weight"},
		{"negative weight", func() error { _, err := p.ByShares(dec("1"), []estimate.Share{{event, dec("-1")}}); return err }, estimate.ErrMix, "weight -1"},
		{"empty ratio", func() error { _, err := p.ByRatio(dec("1"), nil); return err }, estimate.ErrMix, "nothing"},
		{"ratio of zero", func() error { _, err := p.ByRatio(dec("1"), []estimate.Part{{event, dec("0")}}); return err }, estimate.ErrMix, "ratio 0"},
		{"ratio between steps", func() error { _, err := p.ByRatio(dec("1"), []estimate.Part{{vcpu, dec("1.5")}}); return err }, estimate.ErrMix, "whole steps of 1"},
		{"no positive rate", func() error { _, err := free.ByShares(dec("1"), []estimate.Share{{event, dec("1")}}); return err }, estimate.ErrRate, "memory_short_term"},
		{"no positive rate in a ratio", func() error { _, err := free.ByRatio(dec("1"), []estimate.Part{{event, dec("1")}}); return err }, estimate.ErrRate, "memory_short_term"},
		{"price that ends", func() error { _, err := free.ByFree(dec("5"), nil, item(pricing.MemoryLongTermRetrieval)); return err }, estimate.ErrRate, "memory_long_term_retrieval"},
		{"absurd budget", func() error { _, err := p.ByFree(dec("1e20"), nil, event); return err }, estimate.ErrQuantity, "more than any bill"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.do()
			var e *estimate.Error
			if !errors.Is(err, tt.want) || !errors.As(err, &e) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error = %v, want %v saying %q", err, tt.want, tt.says)
			}
			if err != nil && (!strings.HasPrefix(err.Error(), "estimate: ") || len(err.Error()) > 400) {
				t.Errorf("error reads %q", err)
			}
		})
	}
	// Up to the price's end, money that is not spent is left over.
	s, err := free.ByFree(dec("4.9"), nil, item(pricing.MemoryLongTermRetrieval))
	if err != nil {
		t.Fatal(err)
	}
	same(t, "below the price's end", s.Lines[0].Quantity, "9")
}

// market is a drawn rate card and items on it.
type market struct {
	*estimate.Pricer
	items []estimate.Item
}

var wares = []pricing.Component{
	pricing.MemoryShortTerm, pricing.RuntimeVCPU, pricing.MemoryLongTermRetrieval, pricing.RuntimeMemory, pricing.GatewaySearch,
}

// drawMarket draws brackets of any shape, rising and falling prices, free tiers,
// steps and minimums.
func drawMarket(t *rapid.T) market {
	var m market
	var rates []pricing.Rate
	for i := range rapid.IntRange(1, len(wares)).Draw(t, "wares") {
		r := rate(wares[i], "0", "0")
		from := decimal.Decimal{}
		r.Brackets = nil
		for b := range rapid.IntRange(1, 3).Draw(t, "brackets") {
			price := decimal.New(rapid.Int64Range(0, 99999).Draw(t, "price"), rapid.Int32Range(-9, -3).Draw(t, "scale"))
			if b > 0 {
				from = from.Add(decimal.NewFromInt(rapid.Int64Range(1, 5000).Draw(t, "width")))
			}
			r.Brackets = append(r.Brackets, pricing.Bracket{From: from, Price: price})
		}
		if last := &r.Brackets[len(r.Brackets)-1]; last.Price.IsZero() {
			last.Price = dec("0.0001")
		}
		rates = append(rates, r)
		it := item(wares[i])
		it.Step = decimal.NewFromInt(rapid.Int64Range(0, 40).Draw(t, "step"))
		if !wares[i].Unit().Whole() {
			it.Step = it.Step.Shift(-1)
		}
		it.Minimum = decimal.NewFromInt(rapid.SampledFrom([]int64{0, 0, 7, 500}).Draw(t, "minimum"))
		m.items = append(m.items, it)
	}
	card, err := pricing.NewRateCard(rates)
	if err != nil {
		t.Fatal(err)
	}
	m.Pricer = &estimate.Pricer{Card: card, Region: "us-east-1", Currency: "USD", Period: month("2026-05")}
	return m
}

func drawBudget(t *rapid.T, name string) decimal.Decimal {
	return decimal.New(rapid.Int64Range(0, 1_000_000_000).Draw(t, name), rapid.Int32Range(-6, -2).Draw(t, name+" scale"))
}

// checkSolution holds for each kind of budget: cost(volumes(b)) ≤ b, whole steps,
// and the inverse gives the same cost.
func checkSolution(t *rapid.T, m market, budget decimal.Decimal, s *estimate.Solution) {
	t.Helper()
	if s.Total.GreaterThan(budget) {
		t.Fatalf("volumes cost %s of a budget of %s", s.Total, budget)
	}
	if !s.Unspent.Equal(budget.Sub(s.Total)) {
		t.Fatalf("unspent = %s, want %s", s.Unspent, budget.Sub(s.Total))
	}
	var volumes []estimate.Volume
	for _, l := range s.Lines {
		volumes = append(volumes, l.Volume)
		if !l.Quantity.Mod(l.Step).IsZero() {
			t.Fatalf("%s of %s is not whole steps of %s", l.Quantity, l.Meter, l.Step)
		}
	}
	again, err := m.Price(volumes)
	if err != nil {
		t.Fatal(err)
	}
	if !again.Total.Equal(s.Total) {
		t.Fatalf("pricing the volumes again costs %s, solving said %s", again.Total, s.Total)
	}
	sum := decimal.Decimal{}
	for _, l := range again.Lines {
		sum = sum.Add(l.Cost)
	}
	if !sum.Equal(s.Total) {
		t.Fatalf("lines sum to %s, total is %s", sum, s.Total)
	}
}

func TestBySharesProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawMarket(t)
		var shares []estimate.Share
		weights := decimal.Decimal{}
		for i, it := range m.items {
			w := decimal.NewFromInt(rapid.Int64Range(0, 30).Draw(t, "weight"))
			if i == 0 {
				w = w.Add(dec("1"))
			}
			weights = weights.Add(w)
			shares = append(shares, estimate.Share{Item: it, Weight: w})
		}
		budget := drawBudget(t, "budget")
		s, err := m.ByShares(budget, shares)
		if err != nil {
			t.Fatal(err)
		}
		checkSolution(t, m, budget, s)
		left, steps := s.Unshared, decimal.Decimal{}
		for i, l := range s.Lines {
			left = left.Add(l.Unspent().Decimal)
			steps = steps.Add(l.NextStep)
			if l.Unspent().Decimal.IsNegative() {
				t.Fatalf("%s costs %s of a share of %s", l.Meter, l.Cost, l.Share.Decimal)
			}
			// One step more is more than the exact share.
			if more := l.Cost.Add(l.NextStep).Mul(weights); !more.GreaterThan(budget.Mul(shares[i].Weight)) {
				t.Fatalf("another step of %s would fit in its share", l.Meter)
			}
		}
		if !left.Equal(s.Unspent) {
			t.Fatalf("unspent by line and unshared sum to %s, unspent is %s", left, s.Unspent)
		}
		if !s.Unspent.LessThan(steps) {
			t.Fatalf("unspent %s is not below the sum of next steps %s", s.Unspent, steps)
		}
		more, err := m.ByShares(budget.Add(drawBudget(t, "more")), shares)
		if err != nil {
			t.Fatal(err)
		}
		for i := range more.Lines {
			if more.Lines[i].Quantity.LessThan(s.Lines[i].Quantity) {
				t.Fatalf("%s falls from %s to %s with more money", s.Lines[i].Meter, s.Lines[i].Quantity, more.Lines[i].Quantity)
			}
		}
	})
}

func TestByRatioProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawMarket(t)
		var parts []estimate.Part
		for _, it := range m.items {
			if it.Step.IsZero() {
				it.Step = dec("1")
			}
			n := decimal.NewFromInt(rapid.Int64Range(1, 50).Draw(t, "steps"))
			parts = append(parts, estimate.Part{Item: it, Per: n.Mul(it.Step)})
		}
		budget := drawBudget(t, "budget")
		s, err := m.ByRatio(budget, parts)
		if err != nil {
			t.Fatal(err)
		}
		checkSolution(t, m, budget, s)
		var next []estimate.Volume
		for i, p := range parts {
			if want := s.Multiple.Mul(p.Per); !s.Lines[i].Quantity.Equal(want) {
				t.Fatalf("%s = %s, want %s multiples of %s", p.Meter, s.Lines[i].Quantity, s.Multiple, p.Per)
			}
			next = append(next, estimate.Volume{Item: p.Item, Quantity: s.Multiple.Add(dec("1")).Mul(p.Per)})
		}
		e, err := m.Price(next)
		if err != nil {
			t.Fatal(err)
		}
		if !e.Total.GreaterThan(budget) {
			t.Fatalf("another multiple would cost %s of %s", e.Total, budget)
		}
	})
}

func TestByFreeProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawMarket(t)
		last := len(m.items) - 1
		var fixed []estimate.Volume
		for _, it := range m.items[:last] {
			n := decimal.NewFromInt(rapid.Int64Range(0, 30).Draw(t, "fixed"))
			step := it.Step
			if step.IsZero() {
				step = dec("1")
			}
			fixed = append(fixed, estimate.Volume{Item: it, Quantity: n.Mul(step)})
		}
		budget := drawBudget(t, "budget")
		s, err := m.ByFree(budget, fixed, m.items[last])
		if errors.Is(err, estimate.ErrBudget) {
			e, err := m.Price(fixed)
			if err != nil || !e.Total.GreaterThan(budget) {
				t.Fatalf("refused, but fixed lines cost %v of %s (%v)", e, budget, err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		checkSolution(t, m, budget, s)
		for i, f := range fixed {
			if !s.Lines[i].Quantity.Equal(f.Quantity) {
				t.Fatalf("fixed line changed from %s to %s", f.Quantity, s.Lines[i].Quantity)
			}
		}
		if next := s.Lines[last].NextStep; !s.Total.Add(next).GreaterThan(budget) {
			t.Fatalf("another step at %s would fit: %s of %s", next, s.Total, budget)
		}
	})
}
