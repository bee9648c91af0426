package pricing_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/spendclaim/spendclaim/pricing"
)

func card(t testing.TB, rates ...pricing.Rate) *pricing.RateCard {
	t.Helper()
	c, err := pricing.NewRateCard(rates)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func defaultCard(t testing.TB) *pricing.RateCard {
	t.Helper()
	c, err := pricing.DefaultCard()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// at asks for a component in us-east-1 and USD.
func at(c pricing.Component, date string) pricing.Query {
	return pricing.Query{Meter: pricing.Meter{Component: c}, Region: "us-east-1", Currency: "USD", At: day(date)}
}

func TestLookupTakesTheRateOfTheInstant(t *testing.T) {
	c := card(t,
		runtime(func(r *pricing.Rate) { r.ID, r.To = "old", day("2026-05-01") }),
		runtime(func(r *pricing.Rate) { r.ID, r.From = "new", day("2026-05-01") }),
	)
	tests := []struct {
		name string
		at   time.Time
		want string
	}{
		{"first instant", day("2026-01-01"), "old"},
		{"last nanosecond", day("2026-05-01").Add(-1), "old"},
		{"the boundary belongs to the later", day("2026-05-01"), "new"},
		{"another zone is the same instant", day("2026-05-01").In(time.FixedZone("", -8*3600)), "new"},
		{"open end", day("2999-01-01"), "new"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			q := at(pricing.RuntimeVCPU, "2026-01-01")
			q.At = tt.at
			got, err := c.Lookup(q)
			if err != nil {
				t.Fatal(err)
			}
			if got.ID != tt.want {
				t.Errorf("Lookup at %s = %s, want %s", tt.at, got.ID, tt.want)
			}
		})
	}
}

// TestLookupSaysWhatIsMissing is field.md rule 21 for prices: what is not known
// is an error, and never a zero.
func TestLookupSaysWhatIsMissing(t *testing.T) {
	tests := []struct {
		name string
		edit func(*pricing.Query)
		says string
	}{
		{"component", func(q *pricing.Query) { q.Meter = pricing.Meter{Component: pricing.GatewayData} }, "nothing for component gateway_data"},
		{"unknown component", func(q *pricing.Query) { q.Meter = pricing.Meter{Component: pricing.Unknown} }, "nothing for component unknown"},
		{"model", func(q *pricing.Query) { q.Meter.Model = "Claude Opus 6" }, `nothing for model "Claude Opus 6"`},
		{"a prefix of a model's name", func(q *pricing.Query) { q.Meter.Model = "Claude Opus" }, `nothing for model "Claude Opus"`},
		{"region", func(q *pricing.Query) { q.Region = "sa-east-1" }, `nothing for region "sa-east-1"`},
		{"currency", func(q *pricing.Query) { q.Currency = "CNY" }, `nothing for currency "CNY"`},
		{"tier", func(q *pricing.Query) { q.Meter.Tier = pricing.Priority }, "no priority meter of it, but"},
		{"routing", func(q *pricing.Query) { q.Meter.Routing = pricing.Geo }, "no geo meter of it, but"},
		{"context", func(q *pricing.Query) { q.Meter.LongContext = true }, "no long context meter of it, but"},
		{"date", func(q *pricing.Query) { q.At = day("2026-08-30") }, "none for that date, but for [2026-08-31, open)"},
	}
	c := defaultCard(t)
	known := pricing.Query{Meter: pricing.Meter{Component: pricing.ModelInput, Model: "Claude Opus 5"}, Region: "us-east-1", Currency: "USD", At: day("2026-09-01")}
	if _, err := c.Lookup(known); err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			q := known
			tt.edit(&q)
			_, err := c.Lookup(q)
			var e *pricing.RateError
			if !errors.Is(err, pricing.ErrNoRate) || !errors.As(err, &e) {
				t.Fatalf("error = %v, want ErrNoRate", err)
			}
			if e.Component != q.Meter.Component || e.Region != q.Region || e.Currency != q.Currency || !e.At.Equal(q.At) {
				t.Errorf("error names %s %s %s %s, want those of the query", e.Component, e.Region, e.Currency, e.At)
			}
			if !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error = %v, want it to say %q", err, tt.says)
			}
		})
	}
	var empty pricing.RateCard
	if _, err := empty.Lookup(known); !errors.Is(err, pricing.ErrNoRate) {
		t.Errorf("the zero card: error = %v, want ErrNoRate", err)
	}
}

func TestErrorTextNamesEveryCoordinate(t *testing.T) {
	_, err := defaultCard(t).Lookup(pricing.Query{
		Meter:  pricing.Meter{Component: pricing.ModelInput, Model: "Nova Lite", Tier: pricing.Batch, Routing: pricing.Global},
		Region: "ap-northeast-1", Currency: "USD", At: day("2026-09-01"),
	})
	want := "pricing: look up rate of model_input (Nova Lite, batch global) in ap-northeast-1, USD, at 2026-09-01: " +
		"no rate: the card has no batch global meter of it, but plain, batch"
	if err == nil || err.Error() != want {
		t.Errorf("error = %v, want %s", err, want)
	}
}

func TestUnvalidatedRatesMustBeChosen(t *testing.T) {
	c := defaultCard(t)
	for _, tt := range []struct {
		component pricing.Component
		id        string
		status    pricing.Status
		price     string
	}{
		{pricing.BrowserVCPU, "agentcore/us-east-1/browser_vcpu", pricing.Pending, "0.0895"},
		{pricing.BrowserMemory, "agentcore/us-east-1/browser_memory", pricing.Pending, "0.00945"},
		{pricing.PolicyAuthoring, "agentcore/us-east-1/policy_authoring/per-10k", pricing.Conflicting, "0.000013"},
		{pricing.PolicyAuthoring, "agentcore/us-east-1/policy_authoring/per-1k", pricing.Conflicting, "0.00013"},
		{pricing.EvaluationBuiltinInput, "agentcore/us-east-1/evaluation_builtin_input", pricing.Conflicting, "0.00000024"},
	} {
		t.Run(tt.id, func(t *testing.T) {
			q := at(tt.component, "2026-05-01")
			_, err := c.Lookup(q)
			if !errors.Is(err, pricing.ErrUnvalidatedRate) || !strings.Contains(err.Error(), tt.id+" ("+string(tt.status)+")") {
				t.Fatalf("error = %v, want ErrUnvalidatedRate offering %s", err, tt.id)
			}
			chosen, err := c.Choose(tt.id)
			if err != nil {
				t.Fatal(err)
			}
			got, err := chosen.Lookup(q)
			if err != nil {
				t.Fatal(err)
			}
			if got.ID != tt.id || !got.Chosen || got.Status != tt.status || !got.Price().Equal(dec(tt.price)) {
				t.Errorf("chosen rate = %s, chosen %t, %s, %s; want %s, true, %s, %s", got.ID, got.Chosen, got.Status, got.Price(), tt.id, tt.status, tt.price)
			}
			if _, err := c.Lookup(q); err == nil {
				t.Error("choosing changed the card it was asked of")
			}
		})
	}
}

func TestChooseTakesTheFirstRateToo(t *testing.T) {
	c, err := card(t, runtime(func(r *pricing.Rate) { r.Status = pricing.Pending })).Choose("r")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := c.Lookup(at(pricing.RuntimeVCPU, "2026-05-01")); err != nil || !got.Chosen {
		t.Errorf("the only rate, chosen: %+v, %v", got, err)
	}
}

func TestChooseRefusesWhatIsNotThere(t *testing.T) {
	if _, err := defaultCard(t).Choose("no such rate"); !errors.Is(err, pricing.ErrNoRate) {
		t.Errorf("unknown id: error = %v, want ErrNoRate", err)
	}
	if _, err := defaultCard(t).Choose(""); !errors.Is(err, pricing.ErrNoRate) {
		t.Errorf("blank id: error = %v, want ErrNoRate", err)
	}
	_, err := defaultCard(t).Choose("agentcore/us-east-1/policy_authoring/per-1k", "agentcore/us-east-1/policy_authoring/per-10k")
	if !errors.Is(err, pricing.ErrOverlap) {
		t.Errorf("both rivals: error = %v, want ErrOverlap", err)
	}
}

func TestOverlappingRatesNameComponentAndInterval(t *testing.T) {
	_, err := pricing.NewRateCard([]pricing.Rate{
		runtime(func(r *pricing.Rate) { r.ID, r.To = "a", day("2026-06-01") }),
		runtime(func(r *pricing.Rate) { r.ID, r.From = "b", day("2026-05-01") }),
	})
	var e *pricing.RateError
	if !errors.Is(err, pricing.ErrOverlap) || !errors.As(err, &e) {
		t.Fatalf("error = %v, want ErrOverlap", err)
	}
	if e.Component != pricing.RuntimeVCPU || !e.From.Equal(day("2026-05-01")) || !e.To.Equal(day("2026-06-01")) {
		t.Errorf("error names %s [%s, %s), want runtime_vcpu and May", e.Component, e.From, e.To)
	}
}

func TestOverlapIsSeenPastANeighbour(t *testing.T) {
	_, err := pricing.NewRateCard([]pricing.Rate{
		runtime(func(r *pricing.Rate) { r.ID = "open" }),
		runtime(func(r *pricing.Rate) { r.ID, r.Region = "elsewhere", "us-west-2" }),
		runtime(func(r *pricing.Rate) { r.ID, r.From, r.To = "late", day("2027-01-01"), day("2027-03-01") }),
	})
	var e *pricing.RateError
	if !errors.Is(err, pricing.ErrOverlap) || !errors.As(err, &e) || !e.From.Equal(day("2027-01-01")) || !e.To.Equal(day("2027-03-01")) {
		t.Errorf("error = %v, want ErrOverlap in January and February 2027", err)
	}
}

func TestCardIsImmutable(t *testing.T) {
	r := runtime(nil)
	c := card(t, r)
	r.Brackets[0].Price = dec("9")
	got, err := c.Lookup(at(pricing.RuntimeVCPU, "2026-05-01"))
	if err != nil {
		t.Fatal(err)
	}
	got.Brackets[0].Price = dec("8")
	c.Rates()[0].Brackets[0].Price = dec("7")
	if again, _ := c.Lookup(at(pricing.RuntimeVCPU, "2026-05-01")); !again.Price().Equal(dec("0.0895")) {
		t.Errorf("price = %s after edits outside, want 0.0895", again.Price())
	}
}

func TestIntervalsAreKeptInUTC(t *testing.T) {
	zone := time.FixedZone("", 9*3600)
	c := card(t, runtime(func(r *pricing.Rate) { r.From, r.To = r.From.In(zone), day("2026-06-01").In(zone) }))
	if got := c.Rates()[0]; got.From.Location() != time.UTC || got.To.Location() != time.UTC {
		t.Errorf("in force [%s, %s), want UTC", got.From, got.To)
	}
}

func TestBetweenCoversWithoutHole(t *testing.T) {
	c := card(t,
		runtime(func(r *pricing.Rate) { r.ID, r.To = "old", day("2026-05-11") }),
		runtime(func(r *pricing.Rate) { r.ID, r.From, r.To = "new", day("2026-05-11"), day("2026-07-01") }),
	)
	meter := pricing.Meter{Component: pricing.RuntimeVCPU}
	got, err := c.Between(meter, "us-east-1", "USD", day("2026-05-01"), day("2026-06-01"))
	if err != nil {
		t.Fatal(err)
	}
	var pieces []string
	for _, r := range got {
		pieces = append(pieces, r.ID+" "+r.From.Format(time.DateOnly)+" "+r.To.Format(time.DateOnly))
	}
	if diff := cmp.Diff([]string{"old 2026-05-01 2026-05-11", "new 2026-05-11 2026-06-01"}, pieces); diff != "" {
		t.Errorf("Between(May) (-want +got):\n%s", diff)
	}
	_, err = c.Between(meter, "us-east-1", "USD", day("2026-06-15"), day("2026-07-15"))
	var e *pricing.RateError
	if !errors.Is(err, pricing.ErrNoRate) || !errors.As(err, &e) || !e.At.Equal(day("2026-07-01")) {
		t.Errorf("error = %v, want ErrNoRate at the first day without a rate", err)
	}
}

func TestDefaultCardStatesWhatTheSourcesSupport(t *testing.T) {
	c := defaultCard(t)
	for _, tt := range []struct {
		component pricing.Component
		price     string
		status    pricing.Status
	}{
		{pricing.RuntimeVCPU, "0.0895", pricing.Published},
		{pricing.RuntimeMemory, "0.00945", pricing.Published},
		{pricing.CodeInterpreterVCPU, "0.0895", pricing.Published},
		{pricing.CodeInterpreterMemory, "0.00945", pricing.Published},
		{pricing.MemoryShortTerm, "0.00025", pricing.Confirmed},
		{pricing.MemoryLongTermRetrieval, "0.0005", pricing.Confirmed},
		{pricing.MemoryLongTermStorage, "0.00075", pricing.Published},
		{pricing.GatewayInvocation, "0.000005", pricing.Published},
		{pricing.GatewaySearch, "0.000025", pricing.Published},
		{pricing.GatewayToolIndex, "0.0002", pricing.Published},
		{pricing.IdentityRequest, "0.00001", pricing.Published},
		{pricing.PolicyAuthorization, "0.000025", pricing.Published},
	} {
		got, err := c.Lookup(at(tt.component, "2026-05-01"))
		if err != nil {
			t.Error(err)
			continue
		}
		if !got.Price().Equal(dec(tt.price)) || got.Status != tt.status || got.Source == "" {
			t.Errorf("%s = %s %s %q, want %s %s with a source", tt.component, got.Price(), got.Status, got.Source, tt.price, tt.status)
		}
	}
	for _, r := range c.Rates() {
		if r.Source == "" || r.ID == "" {
			t.Errorf("rate %q of %s has source %q", r.ID, r.Meter, r.Source)
		}
	}
}

// TestLookupFindsExactlyTheRateInForce holds the card against a list searched from
// end to end.
func TestLookupFindsExactlyTheRateInForce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var rates []pricing.Rate
		start := day("2026-01-01")
		for i := range rapid.IntRange(0, 8).Draw(t, "rates") {
			start = start.AddDate(0, 0, rapid.IntRange(0, 5).Draw(t, "gap"))
			end := start.AddDate(0, 0, rapid.IntRange(1, 9).Draw(t, "length"))
			rates = append(rates, runtime(func(r *pricing.Rate) { r.ID, r.From, r.To = string(rune('a'+i)), start, end }))
			start = end
		}
		shuffled := rapid.Permutation(rates).Draw(t, "order")
		c, err := pricing.NewRateCard(shuffled)
		if err != nil {
			t.Fatal(err)
		}
		q := at(pricing.RuntimeVCPU, "2026-01-01")
		q.At = q.At.AddDate(0, 0, rapid.IntRange(-3, 120).Draw(t, "day"))
		want := ""
		for _, r := range rates {
			if !q.At.Before(r.From) && q.At.Before(r.To) {
				want = r.ID
			}
		}
		got, err := c.Lookup(q)
		if got.ID != want || (err == nil) != (want != "") {
			t.Fatalf("Lookup at %s = %q, %v; want %q", q.At, got.ID, err, want)
		}
	})
}
