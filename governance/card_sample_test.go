package governance

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/attribution/ledger"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/governance/cards"
	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/memstore"
)

// sampleMonths holds the synthetic sample months.
const sampleMonths = "../examples/quickstart/months"

// books is an office beside a ledger on one store.
type books struct {
	*office
	ledger *ledger.Ledger
	sync   *SyncOptions
}

// sampleBooks is an office with the sample workloads' owners and portfolios.
func sampleBooks(t testing.TB) *books {
	t.Helper()
	s := storage.New(memstore.New(), &storage.Options{Audited: Audited(func(kind string) bool { return kind == "ledger.book" || kind == "ledger.claims" })})
	o := officeOver(t, s)
	b := &books{office: o, ledger: ledger.New(s, &ledger.Options{Now: func() time.Time { return o.now }})}
	for node, name := range map[string]string{"ci": "Customer & Insights", "rp": "Risk & Payments"} {
		o.must(Command{Actor: System, Subject: Ref{Kind: KindNode, ID: node}, Action: "put", Detail: NodeDetail{Level: "portfolio",
			Place: Place{From: noon.AddDate(-1, 0, 0), Name: name, Fields: Fields{Entity: "DE01", CostCentre: "cc-" + node, LedgerAccount: "6540"}}}})
	}
	for id, a := range map[string]Assignment{"dana": {Role: PortfolioOwner, Node: "ci"}, "piet": {Role: PortfolioOwner, Node: "rp"}} {
		a.From = noon.AddDate(-1, 0, 0)
		o.must(Command{Actor: System, Subject: person(PersonID(id)), Action: "put", Detail: PersonDetail{Roles: []Assignment{a}}})
	}
	b.sync = &SyncOptions{Holder: func(_ context.Context, s cards.Subject, _ time.Time) (Holder, error) {
		switch s.ID {
		case "fraud-review-agent", "chargeback-assistant", "kyc-summariser":
			return Holder{Name: s.ID, Owner: "olga", Node: "rp", Path: []string{"rp"}}, nil
		case accountA, accountB:
			return Holder{Name: "account " + s.ID}, nil
		}
		return Holder{Name: s.ID, Owner: "becki", Node: "ci", Path: []string{"ci"}}, nil
	}}
	return b
}

// deliver books a delivery of the sample months.
func (b *books) deliver(folder, asOf string) ledger.Generation {
	b.t.Helper()
	raw, err := os.ReadFile(sampleMonths + "/claims.json")
	if err != nil {
		b.t.Fatal(err)
	}
	claims, err := attribution.ParseClaims("claims.json", raw)
	if err != nil {
		b.t.Fatal(err)
	}
	sets, err := cur.Locate(b.t.Context(), cur.FS(os.DirFS(sampleMonths)), folder)
	if err != nil {
		b.t.Fatal(err)
	}
	r := cur.Rollup{Where: attribution.DefaultScope().Where(), Keys: attribution.Columns(claims, nil)}
	if r.AsOf, err = time.Parse(time.RFC3339, asOf); err != nil {
		b.t.Fatal(err)
	}
	rolled, err := r.Run(b.t.Context(), sets[0])
	if err != nil {
		b.t.Fatal(err)
	}
	booking, err := b.ledger.Prepare(b.t.Context(), rolled[0], claims, nil)
	if err == nil {
		err = booking.Commit(b.t.Context())
	}
	if err != nil {
		b.t.Fatal(err)
	}
	b.now = r.AsOf.Add(time.Hour)
	return booking.Generation
}

func (b *books) follow(g ledger.Generation) SyncResult {
	b.t.Helper()
	r, err := b.desk.SyncCards(b.t.Context(), b.ledger, g.Delivery.Payer, g.Delivery.Period, b.sync)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

// card returns the card of a workload's week.
func (b *books) card(g ledger.Generation, w, week string) *Subject {
	b.t.Helper()
	return b.subject(cardOf(g, cards.Of(attribution.WorkloadID(w)), week))
}

func cardOf(g ledger.Generation, s cards.Subject, week string) Ref {
	from, err := time.Parse(time.DateOnly, week)
	if err != nil {
		panic(err)
	}
	k := cards.Key{Subject: s, Payer: g.Delivery.Payer, Currency: "USD"}
	k.Week.From = from
	return CardRef(k)
}

func dec(s string) decimal.Decimal { return decimal.RequireFromString(s) }

const (
	firstMay  = "2026-05-25T12:00:00Z"
	secondMay = "2026-05-27T12:00:00Z"
)

// TestCardsOfTheSampleMonths has the cards of May follow both deliveries: the figures
// are known, one card drifts below materiality, and one is adjusted.
func TestCardsOfTheSampleMonths(t *testing.T) {
	b := sampleBooks(t)
	g := b.deliver("2026-05-first", firstMay)
	r := b.follow(g)
	t.Logf("first delivery: %v", r.Commands)
	totals, err := b.ledger.Totals(t.Context(), g)
	if err != nil {
		t.Fatal(err)
	}
	// The cards of each week against a sum of their own, by workload and group.
	weeks := []string{"2026-05-01", "2026-05-04", "2026-05-11"}
	got, want := map[string]string{}, map[string]decimal.Decimal{}
	for _, x := range totals {
		if x.Outcome != attribution.Claimed || x.Kind != attribution.Usage || x.Bucket >= "2026-05-18" {
			continue
		}
		week := weeks[0]
		for _, w := range weeks {
			if x.Bucket >= w {
				week = w
			}
		}
		k := fmt.Sprintf("%s %s %s", x.Workload, week, x.Component.Group())
		want[k] = want[k].Add(x.Unblended)
	}
	for k, v := range want {
		got[k] = v.String()
	}
	have := map[string]string{}
	n := 0
	for _, week := range weeks {
		for l, err := range b.desk.Shelf(t.Context(), KindCard, g.Delivery.Payer+"/"+week) {
			if err != nil {
				t.Fatal(err)
			}
			n++
			c := b.subject(l.Subject).Body.(*SpendCard)
			if c.Card.Subject.Kind != cards.Workload {
				continue
			}
			for _, x := range cards.ByGroup(c.Card.Lines) {
				have[fmt.Sprintf("%s %s %s", c.Card.Subject.ID, week, x.Group)] = x.Cost.String()
			}
		}
	}
	if diff := cmp.Diff(have, got); diff != "" {
		t.Errorf("figures of cards (-got +want)\n%s", diff)
	}
	if n != r.Commands["open"] {
		t.Errorf("%d cards listed, %d opened", n, r.Commands["open"])
	}
	for l := range b.desk.Shelf(t.Context(), KindCard, g.Delivery.Payer+"/2026-05-18") {
		t.Errorf("%s is open, days of 18–24 May are not complete", l.Subject)
	}
	if again := b.follow(g); len(again.Commands) != 0 {
		t.Errorf("following the same generation again did %v", again.Commands)
	}

	// Everybody accepts and the portfolios approve, but for one dispute.
	b.acceptAll(g, "customer-support-bot 2026-05-11")
	disputed := cardOf(g, cards.Of("customer-support-bot"), "2026-05-11")
	b.must(Command{Actor: "becki", Subject: disputed, Action: "dispute", Rationale: "twice the usual on Tuesday"})
	for _, week := range weeks {
		from, err := time.Parse(time.DateOnly, week)
		if err != nil {
			t.Fatal(err)
		}
		for node, owner := range map[string]PersonID{"ci": "dana", "rp": "piet"} {
			r, err := b.desk.ApproveRollUp(t.Context(), Command{ID: "up " + week + node, Actor: owner}, RollUpOf{Node: node, Payer: g.Delivery.Payer, Week: from})
			if err != nil {
				t.Fatal(err)
			}
			up := r.Subject.Body.(*PortfolioWeek).RollUps[0]
			exceptions := decimal.Decimal{}
			for _, e := range up.Exceptions {
				exceptions = exceptions.Add(e.Amount)
				if week != "2026-05-11" || e.Subject.ID != "customer-support-bot" || e.Reason == "" || !e.Amount.Equal(dec("298.58179")) {
					t.Errorf("exception %+v", e)
				}
			}
			if !up.Agreed.Add(exceptions).Equal(up.Total) || (len(up.Exceptions) == 1) != (node == "ci" && week == "2026-05-11") {
				t.Errorf("%s %s: agreed %s, exceptions %s, total %s", node, week, up.Agreed, exceptions, up.Total)
			}
		}
	}
	if s := b.subject(disputed); s.State != CardDisputed {
		t.Errorf("the disputed card is %s", s.State)
	}
	b.must(Command{Actor: "lead", Subject: disputed, Action: "uphold", Rationale: "load test, announced on the 10th"})

	before := map[string]string{}
	for _, w := range []string{"customer-support-bot", "data-insights-copilot", "document-platform", "fraud-review-agent"} {
		before[w] = asJSON(b.card(g, w, "2026-05-04").Body.(*SpendCard).Card)
	}
	g = b.deliver("2026-05-second", secondMay)
	r = b.follow(g)
	if diff := cmp.Diff(r.Commands, map[Action]int{"open": 9, "drift": 4, "cut": 2}); diff != "" {
		t.Errorf("second delivery (-got +want)\n%s", diff)
	}
	for _, c := range []struct {
		workload, drift string
		adjusted        bool
	}{
		{"customer-support-bot", "3.96", true},    // 1.4 % of 288.36
		{"fraud-review-agent", "-3.3", true},      // 1.1 % of 299.30
		{"data-insights-copilot", "4.336", false}, // 0.6 % of 667.26
		{"document-platform", "0.3", false},       // below 1.00
	} {
		s := b.card(g, c.workload, "2026-05-04")
		card := s.Body.(*SpendCard)
		if s.State != CardApproved || !card.Drift.Cost.Equal(dec(c.drift)) || asJSON(card.Card) != before[c.workload] || asJSON(card.Causes) != `["restated"]` {
			t.Errorf("%s: %s, drift %s, causes %v, want approved as it was and %s", c.workload, s.State, card.Drift.Cost, card.Causes, c.drift)
		}
		a, err := b.desk.find(t.Context(), AdjustmentRef(card.Card.Key))
		if err != nil || (a != nil) != c.adjusted {
			t.Fatalf("%s: adjustment %v, %v", c.workload, a, err)
		}
		if a == nil {
			continue
		}
		x := a.Body.(*Adjustment).Adjustment
		if a.State != CardOpen || !x.Amount.Equal(dec(c.drift)) || x.Trigger != cards.ByAmount || asJSON(x.Causes) != `["restated"]` || x.Generation != 2 || len(x.Weeks) != 1 {
			t.Errorf("%s: adjustment %s", c.workload, asJSON(a))
		}
		checkHistory(t, b.desk, a.Ref)
	}
	b.addsUp(g)
}

// acceptAll has owners accept what is open, but for "workload week".
func (b *books) acceptAll(g ledger.Generation, but string) {
	b.t.Helper()
	for _, who := range []PersonID{"becki", "olga", "lead"} {
		turn := Turn{Person: who}
		if who == "lead" {
			turn = Turn{Role: FinOpsLead}
		}
		var refs []Ref
		for l, err := range b.desk.Queue(b.t.Context(), turn) {
			if err != nil {
				b.t.Fatal(err)
			}
			if l.Subject.Kind == KindCard {
				refs = append(refs, l.Subject)
			}
		}
		for _, ref := range refs {
			if c := b.subject(ref).Body.(*SpendCard).Card; c.Subject.ID+" "+c.Week.From.Format(time.DateOnly) != but {
				b.must(Command{Actor: who, Subject: ref, Action: "accept"})
			}
		}
	}
}

// addsUp demands that all that is on record of a month is its statement, as another
// way of reading the ledger has it.
func (b *books) addsUp(g ledger.Generation) []cards.Close {
	b.t.Helper()
	closes, err := b.desk.MonthClose(b.t.Context(), b.ledger, g.Delivery.Payer, g.Delivery.Period)
	if err != nil {
		b.t.Fatal(err)
	}
	statements, err := b.ledger.Statements(b.t.Context(), g)
	if err != nil {
		b.t.Fatal(err)
	}
	for i, c := range closes {
		if err := c.Check(); err != nil {
			b.t.Error(err)
		}
		s := statements[i]
		out := s.Outcomes()
		if !c.Statement.Equal(s.Totals.Unblended) || !c.Outside.Equal(out[attribution.Excluded].Unblended.Add(out[attribution.Rejected].Unblended)) {
			b.t.Errorf("close %s of %s outside, the statement is %s", c.Statement, c.Outside, s.Totals.Unblended)
		}
	}
	return closes
}
