package governance

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/attribution/ledger"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/governance/cards"
	"github.com/spendclaim/spendclaim/storage"
)

const bill = "999999999999"

// estate is a month of usage that AWS delivers over and over, each time as it sees fit.
type estate struct {
	*office
	store  *storage.Store
	ledger *ledger.Ledger
	sync   *SyncOptions
	usage  map[place]use
	extra  []*cur.LineItem // rows of other kinds
	claims *attribution.Claims
	rules  int
	asOf   time.Time
	n      int
	head   ledger.Generation
}

// place is where usage happens, use what it is.
type place struct {
	resource string
	day      int // of May 2026
	product  string
}

type use struct {
	cost    decimal.Decimal
	invoice string
}

func newEstate(t testing.TB, s *storage.Store) *estate {
	t.Helper()
	w := &estate{office: officeOver(t, s), store: s, usage: map[place]use{}, claims: &attribution.Claims{}, asOf: time.Date(2026, 5, 12, 6, 0, 0, 0, time.UTC)}
	for _, id := range []PersonID{"piet"} {
		w.must(Command{Actor: System, Subject: person(id), Action: "put", Detail: PersonDetail{Roles: []Assignment{{Role: PortfolioOwner, From: noon.AddDate(-1, 0, 0)}}}})
	}
	w.sync = &SyncOptions{Holder: func(_ context.Context, s cards.Subject, _ time.Time) (Holder, error) {
		if s.Kind != cards.Workload {
			return Holder{Name: s.ID}, nil
		}
		return Holder{Name: "Workload " + s.ID, Owner: "becki", Node: "ci", Path: []string{"ci"}}, nil
	}}
	w.useRules(0)
	return w
}

// newStore opens a store that knows which records of the ledger are audited.
func newStore(d storage.Driver) *storage.Store {
	return storage.New(d, &storage.Options{Audited: Audited(func(kind string) bool { return kind == "ledger.book" || kind == "ledger.claims" })})
}

// useRules opens the ledger under other rules: without one of the products, or with
// tax spread.
func (w *estate) useRules(n int) {
	w.rules = n
	r := &attribution.Rules{Scope: attribution.DefaultScope()}
	switch n {
	case 1:
		r.Scope.AI = slices.DeleteFunc(r.Scope.AI, func(p attribution.Product) bool { return p.Name == r.Scope.AI[1].Name })
	case 2:
		r.Spread = []attribution.SpreadRule{{Name: "tax"}}
	}
	w.ledger = ledger.New(w.store, &ledger.Options{Rules: r, Now: func() time.Time { return w.now }})
}

func (w *estate) own(resource, workload string, from time.Time) {
	w.claims.Claims = append(w.claims.Claims, attribution.Claim{ID: attribution.ClaimID(fmt.Sprintf("c%03d", len(w.claims.Claims))),
		Anchor: attribution.Anchor{Kind: attribution.KindResource, Value: worldARN(resource)},
		Target: attribution.Whole{Workload: attribution.WorkloadID(workload)}, From: from})
}

func worldARN(name string) string {
	return "arn:aws:bedrock-agentcore:us-east-1:" + accountA + ":runtime/" + name
}

func (w *estate) rows() (out []*cur.LineItem) {
	places := make([]place, 0, len(w.usage))
	for p := range w.usage {
		places = append(places, p)
	}
	slices.SortFunc(places, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.resource, b.resource), cmp.Compare(a.day, b.day), cmp.Compare(a.product, b.product))
	})
	for _, p := range places {
		u := w.usage[p]
		li := item(w.t, p.day, u.cost)
		li.Resource, li.InvoiceID = worldARN(p.resource), u.invoice
		if p.product != "" {
			li.ProductCode, li.UsageType, li.PricingUnit = p.product, "USE1-Claude4.6Sonnet-input-tokens", "1K tokens"
		}
		out = append(out, li)
	}
	return append(out, w.extra...)
}

func item(t testing.TB, day int, cost decimal.Decimal) *cur.LineItem {
	t.Helper()
	start := time.Date(2026, 5, day, 0, 0, 0, 0, time.UTC)
	li := &cur.LineItem{Payer: bill, BillingPeriod: cur.MonthOf(start), BillingEntity: "AWS", ProductCode: "AmazonBedrockAgentCore",
		UsageType: "USE1-Runtime:Consumption-based:vCPU", PricingUnit: "vCPU-Hours", LineItemType: "Usage", Currency: "USD", UsageAccount: accountA,
		Region: "us-east-1", IntervalStart: start, IntervalEnd: start.Add(24 * time.Hour), UsageStart: start, UsageEnd: start.Add(24 * time.Hour)}
	for m, v := range map[cur.Measure]decimal.Decimal{cur.UnblendedCost: cost, cur.Usage: decimal.NewFromInt(1)} {
		if err := li.Set(m, v); err != nil {
			t.Fatal(err)
		}
	}
	return li
}

// deliver books the estate as it is, written a while after the delivery before.
func (w *estate) deliver(after time.Duration) {
	w.t.Helper()
	w.asOf = w.asOf.Add(after)
	w.now = w.asOf.Add(time.Hour)
	w.n++
	rows := w.rows()
	p, err := (&cur.Rollup{Where: attribution.DefaultScope().Where()}).Rows(func(yield func(*cur.LineItem, error) bool) {
		for _, li := range rows {
			if !yield(li, nil) {
				return
			}
		}
	})
	if err != nil {
		w.t.Fatal(err)
	}
	d := cur.Delivery{Payer: bill, Export: "e", Period: cur.MonthOf(noon), Execution: fmt.Sprintf("x%04d", w.n), AsOf: w.asOf}
	b, err := w.ledger.Prepare(w.t.Context(), cur.Rolled{Delivery: d, Partial: p, Files: []cur.Info{{Name: d.Execution, Size: 1, ModTime: w.asOf}}}, w.claims, nil)
	w.commit(b, err)
}

// reattribute applies claims and rules as they are.
func (w *estate) reattribute() {
	w.t.Helper()
	b, err := w.ledger.Reattribute(w.t.Context(), bill, cur.MonthOf(noon), w.claims)
	w.commit(b, err)
}

// lastDay is the last day of May that a delivery can have rows of.
func (w *estate) lastDay() int {
	if w.asOf.Month() > time.May {
		return 31
	}
	return w.asOf.Day()
}

func (w *estate) commit(b *ledger.Booking, err error) {
	w.t.Helper()
	if err == nil {
		err = b.Commit(w.t.Context())
	}
	if err != nil {
		w.t.Fatal(err)
	}
	w.head = b.Generation
}

func (w *estate) follow() SyncResult {
	w.t.Helper()
	r, err := w.desk.SyncCards(w.t.Context(), w.ledger, bill, cur.MonthOf(noon), w.sync)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// all returns the cards, or the adjustments, of the month.
func (w *estate) all(k Kind) (out []*Subject) {
	w.t.Helper()
	shelves := []string{bill + "/2026-05"}
	if k == KindCard {
		shelves = nil
		for _, day := range []string{"01", "04", "11", "18", "25"} {
			shelves = append(shelves, bill+"/2026-05-"+day)
		}
	}
	for _, s := range shelves {
		for l, err := range w.desk.Shelf(w.t.Context(), k, s) {
			if err != nil {
				w.t.Fatal(err)
			}
			out = append(out, w.subject(l.Subject))
		}
	}
	return out
}

// stated sums the usage of a statement by card, apart from anything that package
// cards does, and all that is on cards.
func (w *estate) stated() (byCard map[Ref]decimal.Decimal, onCards, total decimal.Decimal) {
	w.t.Helper()
	statements, err := w.ledger.Statements(w.t.Context(), w.head)
	if err != nil {
		w.t.Fatal(err)
	}
	byCard = map[Ref]decimal.Decimal{}
	weeks := []int{1, 4, 11, 18, 25}
	for _, s := range statements {
		total = total.Add(s.Totals.Unblended)
		for l := range s.Lines() {
			k := cards.Key{Payer: bill, Currency: s.Currency}
			switch {
			case l.Kind != attribution.Usage:
				continue
			case l.Outcome == attribution.Claimed || l.Outcome == attribution.Shared:
				k.Subject = cards.Of(l.Workload)
			case l.Outcome == attribution.Unclaimed || l.Outcome == attribution.Defaulted:
				k.Subject = cards.Subject{Kind: cards.Unowned, ID: l.Key.UsageAccount}
			default:
				continue
			}
			day := l.Key.Bucket.Time().Day()
			for _, first := range weeks {
				if day >= first {
					k.Week.From = time.Date(2026, 5, first, 0, 0, 0, 0, time.UTC)
				}
			}
			byCard[CardRef(k)] = byCard[CardRef(k)].Add(l.Amounts.Unblended)
			onCards = onCards.Add(l.Amounts.Unblended)
		}
	}
	return byCard, onCards, total
}

// holds demands, after the cards followed, that every card is its part of the
// statement, that all of them are its usage, and that the month close adds up.
func (w *estate) holds() {
	w.t.Helper()
	byCard, onCards, total := w.stated()
	seen := map[Ref]bool{}
	for _, s := range w.all(KindCard) {
		seen[s.Ref] = true
		if got := s.Body.(*SpendCard).Now(); !got.Equal(byCard[s.Ref]) {
			w.t.Fatalf("%s (%s) comes to %s, the statement has %s", s.Ref, s.State, got, byCard[s.Ref])
		}
	}
	closes, err := w.desk.MonthClose(w.t.Context(), w.ledger, bill, cur.MonthOf(noon))
	if err != nil {
		w.t.Fatal(err)
	}
	sum, stated := decimal.Decimal{}, decimal.Decimal{}
	for _, c := range closes {
		if err := c.Check(); err != nil {
			w.t.Fatal(err)
		}
		sum = sum.Add(decimal.Sum(c.Approved, c.Adjustments, c.Drift, c.Open))
		stated = stated.Add(c.Statement)
	}
	if !sum.Equal(onCards) || !stated.Equal(total) {
		w.t.Fatalf("approved, adjusted, drifting and open come to %s of %s, the close to %s of %s", sum, onCards, stated, total)
	}
}
