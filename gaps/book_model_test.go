package gaps_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/gaps"
	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/memstore"
)

// made makes a report by hand: gaps by number, with their spend.
func made(period string, asOf time.Time, spend map[int]int64) *gaps.Report {
	m, err := cur.ParseMonth(period)
	if err != nil {
		panic(err) // a mistake in the test
	}
	r := &gaps.Report{Delivery: cur.Delivery{Payer: payer, Period: m, AsOf: asOf}, Currency: "USD", Now: asOf, Looked: gaps.Kinds()}
	for n, c := range spend {
		kind := gaps.Kinds()[n%len(gaps.Kinds())]
		s := gaps.Subject{Workload: attribution.WorkloadID(fmt.Sprint(n))}
		amount := decimal.New(c, -2)
		r.Gaps = append(r.Gaps, gaps.Gap{ID: gaps.Identify(kind, s), Kind: kind, Remedy: gaps.NotifyPO, Payer: payer, Currency: "USD", Period: m, Subject: s,
			Evidence: gaps.Evidence{Anchor: fmt.Sprint("thing ", n), Accounts: []string{}, Regions: []string{}, FirstSeen: m.Start(), LastSeen: m.Start(), Spend: amount, Counted: amount, Query: "SELECT"},
			Notify:   gaps.Notification{To: "po", As: gaps.AsWorkloadOwner}, Escalate: []gaps.Notification{{To: "lead", As: gaps.AsFinOpsLead}}, Material: c >= 100})
	}
	return r
}

var madeBill = gaps.Bill{Payer: payer, Currency: "USD"}

// model is what a book must agree with.
type bookModel struct {
	t       *rapid.T
	book    *gaps.Book
	store   *storage.Store
	clock   *clock
	newest  map[string]*gaps.Report // by period
	checked map[gaps.ID]uint64      // versions whose history was looked at
	reports []*gaps.Report
}

// Statement reconciles a statement of some month: newer, older, or one that was there.
func (m *bookModel) Statement(t *rapid.T) {
	var r *gaps.Report
	if len(m.reports) > 0 && rapid.IntRange(0, 3).Draw(t, "again") == 0 {
		r = rapid.SampledFrom(m.reports).Draw(t, "report")
	} else {
		period := rapid.SampledFrom([]string{"2026-04", "2026-05", "2026-06"}).Draw(t, "period")
		// Each as-of is one statement: its minute is its place in the list.
		asOf := time.Date(2026, 6, rapid.IntRange(1, 28).Draw(t, "day"), 0, len(m.reports), 0, 0, time.UTC)
		r = made(period, asOf, rapid.MapOfN(rapid.IntRange(0, 19), rapid.Int64Range(1, 500), 0, 12).Draw(t, "spend"))
		m.reports = append(m.reports, r)
	}
	period := r.Delivery.Period.String()
	before := m.newest[period]
	stale := before != nil && r.Delivery.AsOf.Before(before.Delivery.AsOf)
	got, err := m.book.Reconcile(t.Context(), r, 0)
	if err != nil || got.Stale != stale {
		t.Fatalf("reconcile: %+v, %v; want stale %v", got, err, stale)
	}
	if !stale {
		m.newest[period] = r
	}
	if len(m.reports)%3 > 0 {
		return // the store is compared now and then
	}
	kept := dump(t, m.store)
	again, err := m.book.Reconcile(t.Context(), r, 0)
	if err != nil || !stale && again != (gaps.Reconciled{}) || dump(t, m.store) != kept {
		t.Fatalf("the same again: %+v, %v", again, err)
	}
}

// Action does something about some gap.
func (m *bookModel) Action(t *rapid.T) {
	list := m.entries(t)
	if len(list) == 0 {
		t.Skip("no gaps")
	}
	e := rapid.SampledFrom(list).Draw(t, "gap")
	a := gaps.Action{Ref: e.Ref(), Seen: e.Version, Actor: "ravi.menon", Role: "finops_lead", Rationale: "because"}
	var err error
	want := e.State.Open()
	switch rapid.SampledFrom([]string{"act", "suppress", "withdraw"}).Draw(t, "what") {
	case "act":
		_, err = m.book.Act(t.Context(), a)
	case "suppress":
		_, err = m.book.Suppress(t.Context(), a, m.clock.now.AddDate(0, 0, rapid.IntRange(1, 20).Draw(t, "days")))
	case "withdraw":
		want = e.State == gaps.Actioned || e.State == gaps.Suppressed
		_, err = m.book.Withdraw(t.Context(), a)
	}
	if (err == nil) != want || err != nil && !errors.Is(err, gaps.ErrState) {
		t.Fatalf("a gap that is %s: %v", e.State, err)
	}
}

// Time passes, and the clock is looked at.
func (m *bookModel) Time(t *rapid.T) {
	m.clock.now = m.clock.now.Add(time.Duration(rapid.IntRange(0, 240).Draw(t, "hours")) * time.Hour)
	if _, err := m.book.Escalate(t.Context(), madeBill); err != nil {
		t.Fatal(err)
	}
	if n, err := m.book.Escalate(t.Context(), madeBill); err != nil || n != 0 {
		t.Fatalf("twice at one time: %d changed, %v", n, err)
	}
}

func (m *bookModel) entries(t *rapid.T) (out []*gaps.Entry) {
	for e, err := range m.book.Entries(t.Context(), madeBill) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, e)
	}
	return out
}

// Check holds the book against the newest statement of each month.
func (m *bookModel) Check(t *rapid.T) {
	want := map[gaps.ID]decimal.Decimal{}
	for _, r := range m.newest {
		for i := range r.Gaps {
			want[r.Gaps[i].ID] = want[r.Gaps[i].ID].Add(r.Gaps[i].Evidence.Spend)
		}
	}
	open := 0
	for _, e := range m.entries(t) {
		spend, shown := want[e.ID]
		if e.State.Open() != shown || !e.Spend().Equal(spend) {
			t.Fatalf("gap %s is %s with %s; the statements show %v, %s", e.ID, e.State, e.Spend(), shown, spend)
		}
		if shown {
			open++
		}
		if running := e.State == gaps.Active || e.State == gaps.Recalled; running && e.Material() && len(e.Told) == 0 {
			t.Fatalf("material, %s, and nobody was told", e.State)
		}
		if (e.State == gaps.Suppressed || e.State == gaps.Resolved) && !e.Due.IsZero() {
			t.Fatalf("%s, and the clock runs", e.State)
		}
		if m.checked[e.ID] == e.Version {
			continue
		}
		m.checked[e.ID] = e.Version
		// The history leads, step by step, to where the gap is.
		var last gaps.Event
		n := uint64(0)
		for ev, err := range m.book.History(t.Context(), e.Ref()) {
			if err != nil {
				t.Fatal(err)
			}
			if ev.From != last.To || ev.Actor == "" || ev.Role == "" || ev.Action == "" {
				t.Fatalf("event %+v after %+v", ev, last)
			}
			last, n = ev, n+1
		}
		if last.To != e.State || n != e.Version || !last.Spend.Equal(e.Spend()) {
			t.Fatalf("history ends in %+v after %d events; the gap is %s at version %d", last, n, e.State, e.Version)
		}
	}
	if open != len(want) {
		t.Fatalf("%d open gaps, want %d", open, len(want))
	}
}

func TestBooksFollowTheNewestStatements(t *testing.T) {
	rounds := 1
	if os.Getenv("SPENDCLAIM_LONG") != "" {
		rounds = 50
	}
	if testing.Short() {
		t.Skip("short")
	}
	for range rounds {
		rapid.Check(t, func(rt *rapid.T) {
			s := storage.New(memstore.New(), nil)
			defer s.Close()
			c := &clock{time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)}
			m := &bookModel{t: rt, book: gaps.NewBook(s, &gaps.BookOptions{Now: c.Now}), store: s, clock: c, newest: map[string]*gaps.Report{}, checked: map[gaps.ID]uint64{}}
			rt.Repeat(map[string]func(*rapid.T){"statement": m.Statement, "action": m.Action, "time": m.Time, "": m.Check})
		})
	}
}

// stopping is a driver that fails at a commit, as a process that dies would.
type stopping struct {
	storage.Driver
	after int
}

var errStopped = errors.New("stopped")

func (d *stopping) Commit(ctx context.Context, b *storage.WriteBatch) error {
	if d.after--; d.after == 0 {
		return errStopped
	}
	return d.Driver.Commit(ctx, b)
}

func TestAnInterruptedReconciliationIsFinishedByRepeatingIt(t *testing.T) {
	spend := map[int]int64{}
	for n := range 40 {
		spend[n] = int64(n + 90)
	}
	later := map[int]int64{}
	for n := range 30 {
		later[n+20] = int64(n + 80)
	}
	first, second := made("2026-05", at("2026-05-25"), spend), made("2026-05", at("2026-05-27"), later)
	stops := 0
	for after := 1; ; after++ {
		d := &stopping{Driver: memstore.New()}
		s := storage.New(d, nil)
		c := &clock{at("2026-05-28")}
		b := gaps.NewBook(s, &gaps.BookOptions{Now: c.Now})
		reconcile(t, b, first)
		d.after = after
		_, err := b.Reconcile(t.Context(), second, 0)
		if err == nil {
			break
		}
		if stops++; !errors.Is(err, errStopped) {
			t.Fatal(err)
		}
		// The older one must not undo what was done.
		if _, err := b.Reconcile(t.Context(), first, 0); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Reconcile(t.Context(), second, 0); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(reportFigures(second), figures(entries(t, b, madeBill))); d != "" {
			t.Errorf("stopped at commit %d (-want +got):\n%s", after, d)
		}
		if _, err := s.Verify(t.Context(), nil); err != nil {
			t.Error(err)
		}
	}
	if stops < 4 {
		t.Errorf("stopped %d times, want once in each batch", stops)
	}
}

func reportFigures(r *gaps.Report) (out []string) {
	for _, g := range r.Gaps {
		out = append(out, fmt.Sprintf("%s %s %s %s", g.ID, g.Kind, g.Evidence.Spend, g.Evidence.Counted))
	}
	slices.Sort(out)
	return out
}

func TestReconcilingAtTheSameTimeEndsAtTheNewest(t *testing.T) {
	var reports []*gaps.Report
	for i := range 6 {
		spend := map[int]int64{}
		for n := range 30 {
			spend[n+i] = int64(100*i + n + 1)
		}
		reports = append(reports, made("2026-05", at("2026-05-20").AddDate(0, 0, i), spend))
	}
	b, s, _ := newBook(t, gaps.BookOptions{})
	var wg sync.WaitGroup
	for _, r := range reports {
		wg.Go(func() {
			for {
				_, err := b.Reconcile(t.Context(), r, 0)
				if err == nil {
					return
				}
				if !errors.Is(err, storage.ErrConflict) {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	// Whoever was overtaken left nothing that the newest does not put right.
	if _, err := b.Reconcile(t.Context(), reports[5], 0); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(reportFigures(reports[5]), figures(entries(t, b, madeBill))); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if _, err := s.Verify(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

// overtaken is a driver that does something before a commit.
type overtaken struct {
	storage.Driver
	before func()
}

func (d *overtaken) Commit(ctx context.Context, b *storage.WriteBatch) error {
	if f := d.before; f != nil && slices.ContainsFunc(b.Writes, func(w storage.Write) bool { return strings.HasPrefix(w.Key.Sort, "gap/") }) {
		d.before = nil
		f()
	}
	return d.Driver.Commit(ctx, b)
}

func TestAStatementThatIsOvertakenWritesNothingMore(t *testing.T) {
	d := &overtaken{Driver: memstore.New()}
	s := storage.New(d, nil)
	defer s.Close()
	b := gaps.NewBook(s, &gaps.BookOptions{Now: func() time.Time { return at("2026-05-28") }})
	older, newer := made("2026-05", at("2026-05-20"), map[int]int64{1: 5, 2: 6}), made("2026-05", at("2026-05-21"), map[int]int64{2: 7})
	d.before = func() { reconcile(t, b, newer) }
	got, err := b.Reconcile(t.Context(), older, 0)
	if err != nil || !got.Stale {
		t.Errorf("the older one: %+v, %v; want stale", got, err)
	}
	if d := cmp.Diff(reportFigures(newer), figures(entries(t, b, madeBill))); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// Kinds that nobody looked for stay as they are: silence closes nothing.
func TestSilentKindsAreNotClosed(t *testing.T) {
	s := scene{rows: []*cur.LineItem{row("2026-05-04", "1")}, approvals: []gaps.Approval{}}
	b, _, _ := newBook(t, gaps.BookOptions{})
	reconcile(t, b, s.detect(t))
	s.approvals, s.asOf = nil, at("2026-05-26")
	s.claim("c", attribution.KindResource, s.rows[0].Resource, "", "w")
	s.claims.Workloads = []attribution.Workload{{ID: "w", Owner: "o"}}
	r := s.detect(t)
	if want := []gaps.Kind{gaps.NoBudgetAllocation, gaps.NotBusinessApproved, gaps.OutOfApprovedScope, gaps.EstimateMissing}; !slices.Equal(r.Silent, want) {
		t.Errorf("silent %v, want %v", r.Silent, want)
	}
	reconcile(t, b, r)
	got := map[gaps.Kind]gaps.State{}
	for _, e := range entries(t, b, madeBill) {
		got[e.Kind] = e.State
	}
	if d := cmp.Diff(map[gaps.Kind]gaps.State{gaps.UnclaimedRuntime: gaps.Resolved, gaps.NoBudgetAllocation: gaps.Active}, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}
