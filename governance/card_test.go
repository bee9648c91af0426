package governance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/estimate"
	"github.com/spendclaim/spendclaim/governance/cards"
	"github.com/spendclaim/spendclaim/pricing"
	"github.com/spendclaim/spendclaim/storage/memstore"
)

// twoWeeks is an estate with a workload's and nobody's cards of May 1–3 and 4–10.
func twoWeeks(t *testing.T) *estate {
	t.Helper()
	w := newEstate(t, newStore(memstore.New()))
	w.own("r1", "bot", noon.AddDate(0, -1, 0))
	for day := 1; day <= 10; day++ {
		w.usage[place{resource: "r1", day: day}] = use{cost: decimal.NewFromInt(10)}
	}
	w.usage[place{resource: "nobodys", day: 2}] = use{cost: decimal.NewFromInt(3)}
	w.deliver(0)
	w.follow()
	return w
}

func botCard(day int) Ref {
	k := cards.Key{Subject: cards.Of("bot"), Payer: bill, Currency: "USD"}
	k.Week.From = time.Date(2026, 5, day, 0, 0, 0, 0, time.UTC)
	return CardRef(k)
}

func nobodysCard(day int) Ref {
	k := cards.Key{Subject: cards.Subject{Kind: cards.Unowned, ID: accountA}, Payer: bill, Currency: "USD"}
	k.Week.From = time.Date(2026, 5, day, 0, 0, 0, 0, time.UTC)
	return CardRef(k)
}

// refuses demands that a command is refused for a reason and changes nothing.
func (o *office) refuses(c Command, why error) {
	o.t.Helper()
	before, _ := o.desk.Subject(o.t.Context(), c.Subject)
	_, err := o.do(c)
	var refused *TransitionError
	if !errors.As(err, &refused) || !errors.Is(err, why) {
		o.t.Errorf("%s %s by %s: %v, want %v", c.Action, c.Subject, c.Actor, err, why)
	}
	if after, _ := o.desk.Subject(o.t.Context(), c.Subject); asJSON(before) != asJSON(after) {
		o.t.Errorf("%s %s by %s was refused and changed it", c.Action, c.Subject, c.Actor)
	}
}

// TestFieldLessonsOnApprovals: what facts about the field say of cards, one by one.
func TestFieldLessonsOnApprovals(t *testing.T) {
	t.Run("rule 5: restated rows after approval leave the card and make an adjustment that names it", func(t *testing.T) {
		w := twoWeeks(t)
		w.must(Command{Actor: "becki", Subject: botCard(4), Action: "accept"})
		approved := asJSON(w.must(Command{Actor: "port", Subject: botCard(4), Action: "approve"}).Subject.Body.(*SpendCard).Card)
		w.usage[place{resource: "r1", day: 6}] = use{cost: decimal.NewFromInt(15)}
		w.deliver(8 * time.Hour)
		w.follow()
		c := w.subject(botCard(4)).Body.(*SpendCard)
		if asJSON(c.Card) != approved || c.Card.Generation != 1 || !c.Drift.Cost.Equal(decimal.NewFromInt(5)) {
			t.Errorf("card %s, generation %d, drift %s", c.Card.Cost, c.Card.Generation, c.Drift.Cost)
		}
		a := w.subject(AdjustmentRef(c.Card.Key)).Body.(*Adjustment).Adjustment
		if len(a.Weeks) != 1 || a.Weeks[0].Pinned != 1 || a.Generation != 2 || !a.Weeks[0].Week.From.Equal(c.Card.Week.From) || asJSON(a.Causes) != `["restated"]` {
			t.Errorf("adjustment %s", asJSON(a))
		}
		if len(a.Weeks[0].Lines) != 1 || a.Weeks[0].Lines[0].Component != pricing.RuntimeVCPU {
			t.Errorf("the components that changed: %s", asJSON(a.Weeks[0].Lines))
		}
	})
	t.Run("rule 4: final comes from invoice ids, not from the calendar", func(t *testing.T) {
		w := twoWeeks(t)
		w.must(Command{Actor: "becki", Subject: botCard(4), Action: "accept"})
		w.must(Command{Actor: "port", Subject: botCard(4), Action: "approve"})
		w.deliver(60 * 24 * time.Hour)
		w.follow()
		if w.subject(botCard(4)).Body.(*SpendCard).Final {
			t.Error("two months on, without an invoice, the card is final")
		}
		w.usage[place{resource: "r1", day: 6}] = use{cost: decimal.New(1001, -2)}
		for p, u := range w.usage {
			u.invoice = "inv-1"
			w.usage[p] = u
		}
		w.deliver(time.Hour)
		w.follow()
		c := w.subject(botCard(4)).Body.(*SpendCard)
		a := w.subject(AdjustmentRef(c.Card.Key)).Body.(*Adjustment).Adjustment
		if !c.Final || a.Trigger != cards.ByInvoice || !a.Amount.Equal(decimal.New(1, -2)) {
			t.Errorf("final %t, adjustment of %s by %q: a cent stays for good once it is invoiced", c.Final, a.Amount, a.Trigger)
		}
	})
	t.Run("while a card is open the Portfolio Owner cannot act", func(t *testing.T) {
		w := twoWeeks(t)
		for _, a := range []Action{"approve", "return"} {
			w.refuses(Command{Actor: "port", Subject: botCard(4), Action: a, Rationale: "x"}, ErrTransition)
		}
		w.refuses(Command{Actor: "port", Subject: botCard(4), Action: "accept"}, ErrRole)
	})
	t.Run("who accepts a card does not approve it, whatever roles he has by then", func(t *testing.T) {
		w := twoWeeks(t)
		w.must(Command{Actor: System, Subject: person("becki"), Action: "grant", Detail: RoleDetail{Role: PortfolioOwner}})
		w.must(Command{Actor: "becki", Subject: botCard(4), Action: "accept"})
		w.refuses(Command{Actor: "becki", Subject: botCard(4), Action: "approve"}, ErrSeparation)
		w.must(Command{Actor: "lead", Subject: nobodysCard(1), Action: "accept"})
		w.refuses(Command{Actor: "lead", Subject: nobodysCard(1), Action: "approve"}, ErrSeparation)
		w.must(Command{Actor: "lead2", Subject: nobodysCard(1), Action: "approve"})
	})
	t.Run("disputed cards go to the FinOps Lead, with a reason", func(t *testing.T) {
		w := twoWeeks(t)
		w.refuses(Command{Actor: "becki", Subject: botCard(4), Action: "dispute"}, ErrRationale)
		w.must(Command{Actor: "becki", Subject: botCard(4), Action: "dispute", Rationale: "a load test of platform"})
		found := false
		for l, err := range w.desk.Queue(t.Context(), Turn{Role: FinOpsLead}) {
			found = found || err == nil && l.Subject == botCard(4)
		}
		if !found {
			t.Error("the disputed card does not wait for the lead")
		}
		w.refuses(Command{Actor: "becki", Subject: botCard(4), Action: "accept"}, ErrTransition)
		w.must(Command{Actor: "lead", Subject: botCard(4), Action: "adjust", Rationale: "it is theirs", Detail: CorrectionDetail{Amount: decimal.NewFromInt(20), To: "platform"}})
		if c := w.subject(botCard(4)).Body.(*SpendCard); c.Correction == nil || !c.Card.Cost.Equal(decimal.NewFromInt(70)) {
			t.Errorf("correction %v, cost %s: figures change with claims and not by hand", c.Correction, c.Card.Cost)
		}
		// The claim is corrected, and the card follows.
		w.claims.Claims[0].To = time.Date(2026, 5, 9, 0, 0, 0, 0, time.UTC)
		w.own("r1", "platform", time.Date(2026, 5, 9, 0, 0, 0, 0, time.UTC))
		w.reattribute()
		w.follow()
		if c := w.subject(botCard(4)).Body.(*SpendCard); !c.Card.Cost.Equal(decimal.NewFromInt(50)) {
			t.Errorf("cost %s, want 50", c.Card.Cost)
		}
		w.must(Command{Actor: "becki", Subject: botCard(4), Action: "dispute", Rationale: "still too much"})
		w.must(Command{Actor: "lead", Subject: botCard(4), Action: "return", Rationale: "of what?"})
		w.must(Command{Actor: "becki", Subject: botCard(4), Action: "dispute", Rationale: "of everything"})
		w.must(Command{Actor: "lead", Subject: botCard(4), Action: "uphold", Rationale: "as billed"})
		w.refuses(Command{Actor: "lead", Subject: botCard(4), Action: "approve"}, ErrSeparation)
		w.must(Command{Actor: "port", Subject: botCard(4), Action: "return", Rationale: "say it in the card"})
		w.must(Command{Actor: "becki", Subject: botCard(4), Action: "accept"})
		w.must(Command{Actor: "port", Subject: botCard(4), Action: "approve"})
		checkHistory(t, w.desk, botCard(4))
	})
	t.Run("rule 20: one comparator for thresholds", func(t *testing.T) {
		if !(cards.Materiality{}).Material(decimal.NewFromInt(100), decimal.NewFromInt(1)) || !estimate.Reached(decimal.NewFromInt(80), decimal.NewFromInt(100), decimal.NewFromInt(80)) {
			t.Error("exactly at the limit is not at least the limit")
		}
	})
}

func TestACardDoesNotOpenBeforeItsDaysAreComplete(t *testing.T) {
	w := twoWeeks(t)
	w.usage[place{resource: "r1", day: 11}] = use{cost: decimal.NewFromInt(1)}
	w.usage[place{resource: "r1", day: 17}] = use{cost: decimal.NewFromInt(1)}
	w.asOf = time.Date(2026, 5, 18, 23, 0, 0, 0, time.UTC) // completes the 16th, a Saturday
	w.deliver(0)
	if r := w.follow(); r.Commands["open"] != 0 {
		t.Errorf("opened %d", r.Commands["open"])
	}
	c := w.subject(botCard(4)).Body.(*SpendCard).Card
	c.Week = estimate.Calendar{}.Week(time.Date(2026, 5, 11, 0, 0, 0, 0, time.UTC))
	c.Complete = false
	w.refuses(Command{Actor: System, Subject: botCard(11), Action: "open", Detail: CardDetail{Card: c}}, ErrGuard)
	w.deliver(2 * time.Hour) // the 19th: the 17th is complete
	if r := w.follow(); r.Commands["open"] != 1 {
		t.Errorf("opened %d, want 1", r.Commands["open"])
	}
}

func TestACardIsItsOwnersAlone(t *testing.T) {
	w := twoWeeks(t)
	w.refuses(Command{Actor: "olga", Subject: botCard(4), Action: "accept"}, ErrGuard)
	w.refuses(Command{Actor: "lead", Subject: botCard(4), Action: "accept"}, ErrGuard)
	w.refuses(Command{Actor: "eng", Subject: botCard(4), Action: "accept"}, ErrRole)
	w.refuses(Command{Actor: "nobody", Subject: botCard(4), Action: "accept"}, ErrUnknownActor)
	w.refuses(Command{Actor: "becki", Subject: nobodysCard(1), Action: "accept"}, ErrGuard)
	w.refuses(Command{Actor: "becki", Subject: botCard(18), Action: "accept"}, ErrUnknownSubject)
	// A delegate acts for the owner; then neither approves.
	w.must(Command{Actor: "becki", Subject: person("olga"), Action: "delegate", Detail: RoleDetail{Role: ProductOwner, To: w.now.AddDate(0, 0, 7)}})
	w.must(Command{Actor: "olga", Subject: botCard(4), Action: "accept"})
	for _, p := range []PersonID{"becki", "olga"} {
		w.must(Command{Actor: System, Subject: person(p), Action: "grant", Detail: RoleDetail{Role: PortfolioOwner}})
		w.refuses(Command{Actor: p, Subject: botCard(4), Action: "approve"}, ErrSeparation)
	}
	// Who has left leaves his cards to the lead.
	w.must(Command{Actor: System, Subject: person("becki"), Action: "leave"})
	w.refuses(Command{Actor: "becki", Subject: botCard(1), Action: "accept"}, ErrUnknownActor)
	w.must(Command{Actor: "lead", Subject: botCard(1), Action: "accept"})
	w.must(Command{Actor: "port", Subject: botCard(1), Action: "approve"})
	w.refuses(Command{Actor: "port", Subject: botCard(1), Action: "return", Rationale: "x"}, ErrTransition)
}

func TestNobodyOutsideChangesFigures(t *testing.T) {
	w := twoWeeks(t)
	c := w.subject(botCard(4)).Body.(*SpendCard)
	c.Card.Cost = decimal.Decimal{}
	for _, who := range []PersonID{"becki", "port", "lead", "eng"} {
		w.refuses(Command{Actor: who, Subject: botCard(4), Action: "refresh", Detail: CardDetail{Card: c.Card}}, ErrRole)
	}
	w.must(Command{Actor: "becki", Subject: botCard(4), Action: "accept"})
	w.must(Command{Actor: "port", Subject: botCard(4), Action: "approve"})
	for _, a := range []Action{"refresh", "reopen", "accept", "dispute", "return", "approve"} {
		w.refuses(Command{Actor: System, Subject: botCard(4), Action: a, Rationale: "x"}, ErrTransition)
	}
	w.refuses(Command{Actor: System, Subject: botCard(1), Action: "refresh", Detail: CardDetail{Card: c.Card}}, ErrDetail)
}

func TestAReorganisationMovesOpenCardsOnly(t *testing.T) {
	w := twoWeeks(t)
	w.must(Command{Actor: "becki", Subject: botCard(1), Action: "accept"})
	w.must(Command{Actor: "port", Subject: botCard(1), Action: "approve"})
	approved := asJSON(w.subject(botCard(1)))
	w.sync = &SyncOptions{Holder: func(context.Context, cards.Subject, time.Time) (Holder, error) {
		return Holder{Name: "Renamed", Owner: "olga", Node: "rp", Path: []string{"rp", "bu"}}, nil
	}}
	w.follow()
	if got := asJSON(w.subject(botCard(1))); got != approved {
		t.Errorf("the approved card moved\n%s\n%s", got, approved)
	}
	if h := holderOf(w.subject(botCard(4)).Body); h.Owner != "olga" || h.Node != "rp" {
		t.Errorf("the open card is %q's at %q", h.Owner, h.Node)
	}
	ups, err := w.desk.RollUp(t.Context(), RollUpOf{Node: "ci", Payer: bill, Week: time.Date(2026, 5, 2, 0, 0, 0, 0, time.UTC)})
	if err != nil || len(ups) != 1 || !ups[0].Total.Equal(decimal.NewFromInt(30)) {
		t.Errorf("the old portfolio's week: %v, %v", ups, err)
	}
	if ups, err := w.desk.RollUp(t.Context(), RollUpOf{Node: "bu", Payer: bill, Week: time.Date(2026, 5, 5, 0, 0, 0, 0, time.UTC)}); err != nil || len(ups) != 1 || !ups[0].Total.Equal(decimal.NewFromInt(70)) {
		t.Errorf("the new business unit's week: %v, %v", ups, err)
	}
}

func TestOverdueCardsEscalateByRule(t *testing.T) {
	w := twoWeeks(t)
	told := func() (out []string) {
		t.Helper()
		n, err := w.desk.EscalateCards(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for ref := range map[Ref]bool{botCard(1): true, botCard(4): true, nobodysCard(1): true} {
			list := w.subject(ref).Body.(*SpendCard).Escalations
			if len(list) > 0 {
				out = append(out, fmt.Sprintf("%s %d %s", ref.Workload, len(list), list[len(list)-1].To))
			}
		}
		slices.Sort(out)
		return append(out, fmt.Sprint(n))
	}
	steps := []struct {
		after time.Duration
		want  []string
	}{
		{6 * 24 * time.Hour, []string{"0"}},
		{24 * time.Hour, []string{" 1 finops_lead", "bot 1 portfolio_owner", "bot 1 portfolio_owner", "3"}},
		{time.Hour, []string{" 1 finops_lead", "bot 1 portfolio_owner", "bot 1 portfolio_owner", "0"}},
		{7 * 24 * time.Hour, []string{" 2 finops_lead", "bot 2 finops_lead", "bot 2 finops_lead", "3"}},
	}
	for _, s := range steps {
		w.now = w.now.Add(s.after)
		if diff := cmp.Diff(told(), s.want); diff != "" {
			t.Errorf("after %s more (-got +want)\n%s", s.after, diff)
		}
	}
	// A decision starts the clock anew.
	w.must(Command{Actor: "becki", Subject: botCard(4), Action: "accept"})
	w.refuses(Command{Actor: System, Subject: botCard(4), Action: "escalate"}, ErrGuard)
	w.now = w.now.Add(8 * 24 * time.Hour)
	w.must(Command{Actor: System, Subject: botCard(4), Action: "escalate"})
	if got := w.messages()["governance.card.escalate"]; got != 7 {
		t.Errorf("%d messages, want 7", got)
	}
}

// messages counts the messages in the outbox by topic.
func (o *office) messages() map[string]int {
	o.t.Helper()
	out := map[string]int{}
	for m, err := range o.desk.Box().Pending(o.t.Context()) {
		if err != nil {
			o.t.Fatal(err)
		}
		out[m.Topic]++
	}
	return out
}

func TestThresholdsAreToldOfOnce(t *testing.T) {
	w := twoWeeks(t)
	ref := BudgetRef("bot", noon, 0)
	w.must(Command{Actor: "lead", Subject: ref, Action: "set", Detail: AnnualDetail{Holder: Holder{Owner: "becki", Node: "ci"}, Annual: decimal.NewFromInt(2400), Currency: "USD"}})
	w.must(Command{Actor: "becki", Subject: ref, Action: "submit", Detail: MonthsDetail{}})
	if r := w.follow(); r.Commands["cross"] != 0 {
		t.Error("a budget that nobody approved was crossed")
	}
	w.refuses(Command{Actor: "becki", Subject: ref, Action: "approve"}, ErrRole)
	w.must(Command{Actor: "port", Subject: ref, Action: "approve"})
	crossed := func() (out []string) {
		for _, c := range w.subject(ref).Body.(*Budget).Crossed {
			for _, x := range c.Crossings {
				out = append(out, x.Threshold.String())
			}
		}
		return out
	}
	w.follow() // 100 of 200 on ten of 31 days: half, and on the way to 310
	if diff := cmp.Diff(crossed(), []string{"actual/50", "forecast/100"}); diff != "" {
		t.Errorf("(-got +want)\n%s", diff)
	}
	for range 3 { // restated down and up again
		w.usage[place{resource: "r1", day: 6}] = use{cost: decimal.NewFromInt(1)}
		w.deliver(time.Hour)
		w.follow()
		w.usage[place{resource: "r1", day: 6}] = use{cost: decimal.NewFromInt(70)}
		w.deliver(time.Hour)
		w.follow()
	}
	if diff := cmp.Diff(crossed(), []string{"actual/50", "forecast/100", "actual/80"}); diff != "" {
		t.Errorf("(-got +want)\n%s", diff)
	}
	if got := w.messages()["governance.budget.cross"]; got != 2 {
		t.Errorf("%d messages, want 2", got)
	}
	w.refuses(Command{Actor: System, Subject: ref, Action: "cross", Detail: CrossDetail{Month: noon, Payer: bill, Crossings: []cards.Crossing{
		{Threshold: cards.Threshold{Of: cards.Actual, Percent: decimal.NewFromInt(50)}, Value: decimal.NewFromInt(150), Limit: decimal.NewFromInt(200)}}}}, ErrGuard)
	checkHistory(t, w.desk, ref)
}

func TestAReplanTakesARequestAndAnApproval(t *testing.T) {
	w := twoWeeks(t)
	ref := BudgetRef("bot", noon, time.April)
	if ref.ID != "2026-04" {
		t.Fatalf("the year begins %s", ref.ID)
	}
	w.must(Command{Actor: System, Subject: ref, Action: "set", Detail: AnnualDetail{Holder: Holder{Owner: "becki"}, Annual: decimal.NewFromInt(1200), Currency: "USD"}})
	may, june := estimate.Calendar{}.Month(noon), estimate.Calendar{}.Month(noon.AddDate(0, 1, 0))
	months := func(i estimate.Interval, n int64) MonthsDetail {
		return MonthsDetail{Months: []estimate.MonthBudget{{Month: i, Amount: decimal.NewFromInt(n)}}}
	}
	w.refuses(Command{Actor: "becki", Subject: ref, Action: "submit", Detail: months(may, 1201)}, ErrDetail)
	w.refuses(Command{Actor: "olga", Subject: ref, Action: "submit", Detail: months(may, 1)}, ErrGuard)
	w.must(Command{Actor: "becki", Subject: ref, Action: "submit", Detail: MonthsDetail{}})
	w.refuses(Command{Actor: "port", Subject: ref, Action: "reject"}, ErrRationale)
	w.must(Command{Actor: "port", Subject: ref, Action: "reject", Rationale: "more in summer"})
	w.must(Command{Actor: "becki", Subject: ref, Action: "submit", Detail: MonthsDetail{}})
	w.must(Command{Actor: "port", Subject: ref, Action: "approve"})
	april := estimate.Calendar{}.Month(noon.AddDate(0, -1, 0))
	w.refuses(Command{Actor: "becki", Subject: ref, Action: "replan", Rationale: "x", Detail: months(april, 10)}, ErrDetail)
	w.refuses(Command{Actor: "becki", Subject: ref, Action: "replan", Rationale: "x", Detail: months(june, 101)}, ErrDetail)
	w.must(Command{Actor: "becki", Subject: ref, Action: "replan", Rationale: "holidays", Detail: months(june, 40)})
	if b := w.subject(ref).Body.(*Budget).Budget; !b.Month(june.From).Decimal.Equal(decimal.NewFromInt(100)) {
		t.Errorf("before it is approved June has %s", b.Month(june.From).Decimal)
	}
	w.must(Command{Actor: "port", Subject: ref, Action: "approve_replan"})
	if b := w.subject(ref).Body.(*Budget).Budget; !b.Month(june.From).Decimal.Equal(decimal.NewFromInt(40)) || !b.Unallocated().Equal(decimal.NewFromInt(60)) {
		t.Errorf("June has %s, %s are left", b.Month(june.From).Decimal, b.Unallocated())
	}
	w.must(Command{Actor: "becki", Subject: ref, Action: "replan", Rationale: "again", Detail: months(june, 50)})
	w.must(Command{Actor: "becki", Subject: ref, Action: "withdraw_replan"})
	checkHistory(t, w.desk, ref)
}

func TestBooksCloseOverNamedExceptionsOnly(t *testing.T) {
	w := twoWeeks(t)
	period := cur.MonthOf(noon)
	tax := item(t, 1, decimal.New(1900, -2))
	tax.LineItemType, tax.UsageType, tax.Resource = "Tax", "", ""
	w.extra = append(w.extra, tax)
	closing := func(id string, who PersonID, why string) error {
		_, err := w.desk.CloseMonth(t.Context(), w.ledger, bill, period, Command{ID: id, Actor: who, Rationale: why})
		return err
	}
	w.deliver(time.Hour)
	w.follow()
	if err := closing("a", "lead", "early"); !errors.Is(err, ErrGuard) {
		t.Errorf("a month that is not over: %v", err)
	}
	w.asOf = time.Date(2026, 6, 5, 0, 0, 0, 0, time.UTC)
	w.deliver(0)
	if err := closing("b", "lead", "cards are behind"); !errors.Is(err, ErrGuard) {
		t.Errorf("cards that have not followed: %v", err)
	}
	w.follow()
	if err := closing("c", "becki", "x"); !errors.Is(err, ErrRole) {
		t.Errorf("by an owner: %v", err)
	}
	if err := closing("d", "lead", ""); !errors.Is(err, ErrGuard) {
		t.Errorf("over exceptions without a word: %v", err)
	}
	w.must(Command{Actor: "becki", Subject: botCard(4), Action: "accept"})
	w.must(Command{Actor: "port", Subject: botCard(4), Action: "approve"})
	if err := closing("e", "lead", "the first week is small"); err != nil {
		t.Fatal(err)
	}
	s := w.subject(CloseRef(bill, period.Start()))
	c := s.Body.(*MonthClose).Closes[0]
	if s.State != CloseClosed || !c.Approved.Equal(decimal.NewFromInt(70)) || !c.Level.Equal(decimal.NewFromInt(19)) || len(c.Exceptions) != 2 {
		t.Errorf("closed as %s", asJSON(c))
	}
	if e := c.Exceptions[0]; e.Name != "Workload bot" || !e.Amount.Equal(decimal.NewFromInt(30)) || e.Approval != cards.Open {
		t.Errorf("exception %+v", e)
	}
	// A closed month that is restated has an adjustment, be it of a hundredth of a cent.
	w.usage[place{resource: "r1", day: 6}] = use{cost: dec("10.0001")}
	w.deliver(time.Hour)
	w.follow()
	a := w.subject(AdjustmentRef(w.subject(botCard(4)).Body.(*SpendCard).Card.Key)).Body.(*Adjustment).Adjustment
	if a.Trigger != cards.ByRestated || !a.Amount.Equal(dec("0.0001")) {
		t.Errorf("adjustment of %s by %q", a.Amount, a.Trigger)
	}
	if err := closing("f", "lead", "again"); !errors.Is(err, ErrTransition) {
		t.Errorf("a second time: %v", err)
	}
	checkHistory(t, w.desk, s.Ref)
}

func TestCardsOfWorkloadsAreTheDirectorys(t *testing.T) {
	w := newEstate(t, newStore(memstore.New()))
	w.sync = nil
	from := noon.AddDate(-1, 0, 0)
	w.must(Command{Actor: System, Subject: Ref{Kind: KindNode, ID: "bu"}, Action: "put", Detail: NodeDetail{Level: "business_unit", Place: Place{From: from, Name: "Retail", Fields: Fields{Entity: "DE01"}}}})
	w.must(Command{Actor: System, Subject: Ref{Kind: KindNode, ID: "ci"}, Action: "put", Detail: NodeDetail{Level: "portfolio", Place: Place{From: from, Name: "Customer & Insights", Parent: "bu", Fields: Fields{CostCentre: "cc-1"}}}})
	w.must(Command{Actor: System, Subject: Ref{Kind: KindAccount, ID: accountA}, Action: "put", Detail: AccountDetail{AccountTerm{From: from, Name: "platform", Node: "ci"}}})
	d := ask()
	d.Node = "ci"
	w.approve("bot", d)
	w.build("bot", "1-1", handoff(1))
	w.must(Command{Actor: "becki", Subject: workload("bot"), Action: "claim", Detail: ClaimDetail{Items: []ClaimItem{{Anchor: resource(0)}}}})
	e := monthly(pricing.RuntimeVCPU)
	e.Estimate.Plan.Targets[0].Cost = decimal.NewNullDecimal(decimal.NewFromInt(310))
	w.must(Command{Actor: "becki", Subject: workload("bot"), Action: "confirm", Detail: e})
	claims, err := w.desk.SaveClaims(t.Context(), w.ledger)
	if err != nil {
		t.Fatal(err)
	}
	w.claims = claims
	for day := 4; day <= 10; day++ {
		w.usage[place{resource: strings.TrimPrefix(runtimeARN(0), worldARN("")), day: day}] = use{cost: decimal.NewFromInt(12)}
	}
	w.usage[place{resource: "nobodys", day: 5}] = use{cost: decimal.NewFromInt(2)}
	w.deliver(0)
	w.follow()
	s := w.subject(botCard(4))
	c := s.Body.(*SpendCard)
	if c.Owner != "becki" || c.Name != "Customer Support Bot" || asJSON(c.Path) != `["ci","bu"]` || c.Fields != (Fields{Entity: "DE01", CostCentre: "cc-1"}) {
		t.Errorf("holder %+v", c.Holder)
	}
	// The estimate holds from the 4th, when it was confirmed: 10 a day. The claim holds
	// from then too.
	if !c.Card.Expected.Decimal.Equal(decimal.NewFromInt(70)) {
		t.Errorf("expected %v", c.Card.Expected)
	}
	u := w.subject(nobodysCard(4)).Body.(*SpendCard)
	if u.Owner != "" || u.Name != "platform" || u.Node != "ci" {
		t.Errorf("holder of nobody's %+v", u.Holder)
	}
	w.must(Command{Actor: "becki", Subject: botCard(4), Action: "accept"})
	w.now = w.now.Add(time.Hour)
	lines, err := w.desk.Journal(t.Context(), w.ledger, bill, cur.MonthOf(noon), "accrual", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	sum, byCentre := decimal.Decimal{}, map[string]int64{}
	for _, l := range lines {
		sum = sum.Add(l.Exact)
		byCentre[l.Entity+"/"+l.CostCentre+"/"+string(l.Workload)] += l.Minor
	}
	if _, onCards, _ := w.stated(); !sum.Equal(onCards) {
		t.Errorf("the accrual is of %s, the statement has %s", sum, onCards)
	}
	if byCentre["DE01/cc-1/bot"] != c.Card.Cost.Shift(2).IntPart() {
		t.Errorf("journal %v", byCentre)
	}
	// When the owner leaves, cards that are not decided on are the lead's.
	w.refuses(Command{Actor: "lead", Subject: botCard(4), Action: "approve"}, ErrGuard)
	w.must(Command{Actor: System, Subject: person("becki"), Action: "leave"})
	w.must(Command{Actor: "lead", Subject: botCard(4), Action: "approve"})
}

func TestUnownedUsageByPortfolio(t *testing.T) {
	w := newEstate(t, newStore(memstore.New()))
	w.desk = New(w.store, &Options{Now: func() time.Time { return w.now }, Policy: &Policy{Cards: CardPolicy{Unowned: "portfolio"}}})
	from := noon.AddDate(-1, 0, 0)
	w.must(Command{Actor: System, Subject: Ref{Kind: KindNode, ID: "ci"}, Action: "put", Detail: NodeDetail{Level: "portfolio", Place: Place{From: from, Name: "Customer & Insights"}}})
	w.must(Command{Actor: System, Subject: Ref{Kind: KindAccount, ID: accountA}, Action: "put", Detail: AccountDetail{AccountTerm{From: from, Node: "ci"}}})
	w.usage[place{resource: "nobodys", day: 2}] = use{cost: decimal.NewFromInt(3)}
	w.sync = nil
	w.deliver(0)
	w.follow()
	k := cards.Key{Subject: cards.Subject{Kind: cards.Unowned, ID: "ci"}, Payer: bill, Currency: "USD"}
	k.Week.From = time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	c := w.subject(CardRef(k)).Body.(*SpendCard)
	if c.Name != "Customer & Insights" || c.Node != "ci" || !c.Card.Cost.Equal(decimal.NewFromInt(3)) {
		t.Errorf("card %s", asJSON(c))
	}
}

// TestDecisionsWhileCardsFollow: a decision that comes in between is looked at again.
func TestDecisionsWhileCardsFollow(t *testing.T) {
	w := twoWeeks(t)
	w.usage[place{resource: "r1", day: 2}] = use{cost: decimal.NewFromInt(11)}
	w.usage[place{resource: "r1", day: 6}] = use{cost: decimal.NewFromInt(11)}
	w.deliver(time.Hour)
	accepted := false
	holder := w.sync.Holder
	w.sync = &SyncOptions{Holder: func(ctx context.Context, s cards.Subject, at time.Time) (Holder, error) {
		if s.Kind == cards.Workload && !accepted { // after the records were read
			accepted = true
			w.must(Command{Actor: "becki", Subject: botCard(4), Action: "accept"})
		}
		return holder(ctx, s, at)
	}}
	r := w.follow()
	if diff := cmp.Diff(r.Commands, map[Action]int{"refresh": 1, "reopen": 1}); diff != "" {
		t.Errorf("(-got +want)\n%s", diff)
	}
	if s := w.subject(botCard(4)); s.State != CardOpen || !s.Body.(*SpendCard).Card.Cost.Equal(decimal.NewFromInt(71)) {
		t.Errorf("%s with %s", s.State, s.Body.(*SpendCard).Card.Cost)
	}
	w.holds()
}

// TestTwoCurrenciesAreTwoCards: figures of two currencies never meet.
func TestTwoCurrenciesAreTwoCards(t *testing.T) {
	w := twoWeeks(t)
	x := item(t, 5, decimal.NewFromInt(8))
	x.Resource, x.Currency = worldARN("r1"), "CNY"
	w.extra = append(w.extra, x)
	w.deliver(time.Hour)
	w.follow()
	w.holds()
	k := w.subject(botCard(4)).Body.(*SpendCard).Card.Key
	k.Currency = "CNY"
	if c := w.subject(CardRef(k)).Body.(*SpendCard).Card; !c.Cost.Equal(decimal.NewFromInt(8)) {
		t.Errorf("card in CNY of %s", c.Cost)
	}
	if closes := len(w.subject(CloseRef(bill, cur.MonthOf(noon).Start())).Body.(*MonthClose).Sums); closes != 2 {
		t.Errorf("%d sums, want 2", closes)
	}
}
