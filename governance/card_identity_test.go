package governance

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/governance/cards"
	"github.com/spendclaim/spendclaim/storage/memstore"
)

// rapidTB is what helpers for tests get from a rapid check.
type rapidTB struct {
	testing.TB
	check *rapid.T
}

func (r rapidTB) Helper()                   {}
func (r rapidTB) Fatal(args ...any)         { r.check.Fatal(args...) }
func (r rapidTB) Fatalf(f string, a ...any) { r.check.Fatalf(f, a...) }
func (r rapidTB) Errorf(f string, a ...any) { r.check.Errorf(f, a...) }

// TestCardsAreTheStatementWhateverHappens has people decide at random on cards of a
// month that is redelivered, claimed and ruled at random: after each time the cards
// followed, all cards are the statement's usage, and what was approved, what was
// adjusted and what is recorded as drift are its final figures, to the last digit; no
// approved card changes; and each month of a subject has one adjustment.
func TestCardsAreTheStatementWhateverHappens(t *testing.T) {
	runs, commands := 0, 0
	reached := map[string]int{}
	switch {
	case long():
		checks(t, 1000)
	case testing.Short():
		checks(t, 8)
	default:
		checks(t, 15)
	}
	rapid.Check(t, func(r *rapid.T) {
		runs++
		w := newEstate(rapidTB{t, r}, newStore(memstore.New()))
		resources := []string{"r1", "r2", "r3", "r4"}
		for i, name := range resources[:3] {
			w.own(name, fmt.Sprintf("w%d", i%2), noon.AddDate(0, -1, 0))
		}
		amount := rapid.Custom(func(r *rapid.T) decimal.Decimal {
			return decimal.New(rapid.Int64Range(-50, 5000).Draw(r, "cents"), -rapid.Int32Range(1, 4).Draw(r, "scale"))
		})
		change := func(r *rapid.T) {
			for range rapid.IntRange(0, 8).Draw(r, "changes") {
				p := place{rapid.SampledFrom(resources).Draw(r, "resource"), rapid.IntRange(1, w.lastDay()).Draw(r, "day"),
					rapid.SampledFrom([]string{"", "AmazonBedrock"}).Draw(r, "product")}
				if rapid.IntRange(0, 5).Draw(r, "gone") == 0 {
					delete(w.usage, p)
					continue
				}
				w.usage[p] = use{cost: amount.Draw(r, "cost"), invoice: rapid.SampledFrom([]string{"", "", "inv-1"}).Draw(r, "invoice")}
			}
		}
		tax := item(w.t, 1, decimal.New(1234, -3))
		tax.LineItemType, tax.UsageType, tax.Resource = "Tax", "", ""
		w.extra = append(w.extra, tax)
		change(r)
		w.deliver(0)
		pinned := map[Ref]string{}
		closes := 0
		decide := func(r *rapid.T, k Kind, from []State, actions map[Action][]PersonID) {
			list := slices.DeleteFunc(w.all(k), func(s *Subject) bool { return !slices.Contains(from, s.State) })
			if len(list) == 0 {
				r.Skip("nothing to decide on")
			}
			s := rapid.SampledFrom(list).Draw(r, "subject")
			var names []Action
			for a := range actions {
				names = append(names, a)
			}
			slices.Sort(names)
			a := rapid.SampledFrom(names).Draw(r, "action")
			_, err := w.do(Command{Actor: rapid.SampledFrom(actions[a]).Draw(r, "actor"), Subject: s.Ref, Action: a, Rationale: "so"})
			var refused *TransitionError
			if err != nil && !errors.As(err, &refused) {
				r.Fatal(err)
			}
			commands++
		}
		// each takes an action on all that are there, by who may.
		each := func(k Kind, a Action, from ...State) {
			for _, s := range w.all(k) {
				if !slices.Contains(from, s.State) {
					continue
				}
				who := PersonID("becki")
				switch owned := holderOf(s.Body).Owner != ""; {
				case a == "approve":
					who = "piet"
				case !owned:
					who = "lead"
				}
				w.must(Command{Actor: who, Subject: s.Ref, Action: a})
				commands++
			}
		}
		anybody := []PersonID{"becki", "olga", "lead", "lead2", "piet", "eng"}
		r.Repeat(map[string]func(*rapid.T){
			"redeliver": func(r *rapid.T) {
				change(r)
				after := time.Duration(rapid.IntRange(1, 80).Draw(r, "hours")) * time.Hour
				if rapid.IntRange(0, 5).Draw(r, "month ends") == 0 {
					after = max(after, time.Date(2026, 6, 4, 0, 0, 0, 0, time.UTC).Sub(w.asOf))
				}
				w.deliver(after)
			},
			"claim": func(r *rapid.T) {
				i := rapid.IntRange(0, len(w.claims.Claims)-1).Draw(r, "claim")
				next := *w.claims
				next.Claims = slices.Clone(next.Claims)
				next.Claims[i].Target = attribution.Whole{Workload: attribution.WorkloadID(rapid.SampledFrom([]string{"w0", "w1", "w2"}).Draw(r, "to"))}
				w.claims = &next
				w.reattribute()
			},
			"rules": func(r *rapid.T) {
				w.useRules(rapid.IntRange(0, 2).Draw(r, "rules"))
				w.reattribute()
			},
			"people": func(r *rapid.T) {
				decide(r, rapid.SampledFrom([]Kind{KindCard, KindCard, KindAdjustment}).Draw(r, "kind"), []State{CardOpen, CardReturned, CardDisputed, CardAccepted}, map[Action][]PersonID{
					"accept": anybody, "approve": anybody, "dispute": anybody, "uphold": {"lead"}, "return": anybody, "adjust": {"lead"}})
			},
			"agree": func(r *rapid.T) {
				each(KindCard, "accept", CardOpen, CardReturned)
				each(KindAdjustment, "accept", CardOpen, CardReturned)
			},
			"approve": func(r *rapid.T) {
				each(KindCard, "approve", CardAccepted)
				each(KindAdjustment, "approve", CardAccepted)
			},
			"close": func(r *rapid.T) {
				w.follow()
				closes++
				_, err := w.desk.CloseMonth(t.Context(), w.ledger, bill, cur.MonthOf(noon), Command{ID: fmt.Sprintf("close%d", closes), Actor: "lead", Rationale: "good enough"})
				var refused *TransitionError
				if err != nil && !errors.As(err, &refused) {
					r.Fatal(err)
				}
				if err == nil {
					reached["closed"]++
				}
			},
			"": func(r *rapid.T) {
				w.follow()
				w.holds()
				months := map[cards.Subject]int{}
				for _, a := range w.all(KindAdjustment) {
					if months[a.Body.(*Adjustment).Adjustment.Subject]++; months[a.Body.(*Adjustment).Adjustment.Subject] > 1 {
						r.Fatalf("%s: a second adjustment of the month", a.Ref)
					}
				}
				for _, s := range w.all(KindCard) {
					now := asJSON(s.Body.(*SpendCard).Card)
					switch was, ok := pinned[s.Ref]; {
					case ok && (now != was || s.State != CardApproved):
						r.Fatalf("%s was approved as %s, and is %s as %s", s.Ref, was, s.State, now)
					case s.State == CardApproved:
						pinned[s.Ref] = now
					}
				}
				if again := w.follow(); len(again.Commands) != 0 {
					r.Fatalf("following again did %v", again.Commands)
				}
			},
		})
		for _, k := range []Kind{KindCard, KindAdjustment} {
			for _, s := range w.all(k) {
				for _, e := range checkHistory(w.t, w.desk, s.Ref) {
					reached[string(k)+" "+string(e.Action)]++
				}
			}
		}
	})
	t.Logf("%d runs, %d decisions by people; events: %v", runs, commands, reached)
	if !testing.Short() && (reached["card drift"] == 0 || reached["card reopen"] == 0 || reached["adjustment cut"] == 0 || reached["adjustment recut"] == 0) {
		t.Errorf("some of what has to be held together never happened: %v", reached)
	}
}

// TestThreeRedeliveriesADayOverApprovedCards: a month of them changes no approved card,
// and leaves one adjustment to a workload's month.
func TestThreeRedeliveriesADayOverApprovedCards(t *testing.T) {
	w := newEstate(t, newStore(memstore.New()))
	for i := range 3 {
		name := fmt.Sprintf("r%d", i)
		w.own(name, "w"+name, noon.AddDate(0, -1, 0))
		for day := 1; day <= 10; day++ {
			w.usage[place{resource: name, day: day}] = use{cost: decimal.New(int64(1000+100*i+day), -2)}
		}
	}
	w.usage[place{resource: "nobodys", day: 5}] = use{cost: decimal.New(999, -2)}
	w.deliver(0) // 05-12: the weeks 1–3 and 4–10 are complete
	w.follow()
	before := map[Ref]string{}
	for _, s := range w.all(KindCard) {
		who, by := PersonID("becki"), PersonID("piet")
		if s.Body.(*SpendCard).Owner == "" {
			who, by = "lead", "lead2"
		}
		w.must(Command{Actor: who, Subject: s.Ref, Action: "accept"})
		before[s.Ref] = asJSON(w.must(Command{Actor: by, Subject: s.Ref, Action: "approve"}).Subject.Body.(*SpendCard).Card)
	}
	if len(before) != 7 {
		t.Fatalf("%d cards, want 7", len(before))
	}
	approvedAdjustments := 0
	for n := range 90 {
		// Each time some cents move, sometimes a day is restated, and each day one more
		// has usage that nobody saw before.
		for i := range 3 {
			p := place{resource: fmt.Sprintf("r%d", i), day: 1 + (n*7+i)%10}
			u := w.usage[p]
			u.cost = u.cost.Add(decimal.New(int64((n*37+i*11)%7-3), -3))
			if (n+i)%17 == 0 {
				u.cost = u.cost.Add(decimal.New(5, 0))
			}
			w.usage[p] = u
			if day := 11 + n/3; n%3 == 0 && day <= 31 {
				w.usage[place{resource: p.resource, day: day}] = use{cost: decimal.New(1000, -2)}
			}
		}
		w.deliver(8 * time.Hour)
		w.follow()
		if n%10 == 9 {
			w.holds()
		}
		for ref, was := range before {
			if s := w.subject(ref); s.State != CardApproved || asJSON(s.Body.(*SpendCard).Card) != was {
				t.Fatalf("redelivery %d changed %s", n, ref)
			}
		}
		adjustments := w.all(KindAdjustment)
		if len(adjustments) > 3 {
			t.Fatalf("redelivery %d: %d adjustments of three workloads and one month", n, len(adjustments))
		}
		for _, a := range adjustments {
			if n%20 == 19 && a.State == CardOpen { // people get round to it now and then
				w.must(Command{Actor: "becki", Subject: a.Ref, Action: "accept"})
				w.must(Command{Actor: "piet", Subject: a.Ref, Action: "approve"})
				approvedAdjustments++
			}
		}
	}
	list := w.all(KindAdjustment)
	if len(list) != 3 || approvedAdjustments < 3 {
		t.Errorf("%d adjustments, %d approvals of them, want one for each workload and some", len(list), approvedAdjustments)
	}
	for _, a := range list {
		t.Logf("%s: version %d, %s, %s", a.Ref, a.Version, a.State, a.Body.(*Adjustment).Adjustment.Amount)
		checkHistory(t, w.desk, a.Ref)
	}
}

// long reports whether the long tier runs.
func long() bool { return os.Getenv("SPENDCLAIM_LONG") == "1" }
