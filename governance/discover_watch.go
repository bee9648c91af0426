package governance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/internal/exact"
)

// TaskStopped is the state of a decommission task whose spend has stopped for
// [Policy].Quiet days, by the statements.
const TaskStopped State = "stopped"

// Evidence is what statements say of what is to be taken down, and the detail of
// observe_spend and observe_stopped. The days From to Through are covered by statements
// without a break, and have arrived completely.
type Evidence struct {
	From    time.Time `json:"from"`
	Through time.Time `json:"through"`
	// LastSpend is the last day with usage; zero where the statements have none.
	LastSpend time.Time       `json:"last_spend,omitzero"`
	Spend     decimal.Decimal `json:"spend"` // of all days that the statements have
	Currency  string          `json:"currency,omitempty"`
	// Statements name the bills: payer, period and as-of time.
	Statements []string `json:"statements"`
}

// QuietDays returns how many whole days up to Through had no usage.
func (e Evidence) QuietDays() int {
	from := e.From
	if e.LastSpend.After(from) || e.LastSpend.Equal(from) {
		from = e.LastSpend.AddDate(0, 0, 1)
	}
	if from.After(e.Through) || e.Through.IsZero() {
		return 0
	}
	return int(e.Through.Sub(from)/(24*time.Hour)) + 1
}

func (p *Policy) quiet() int {
	if p == nil || p.Quiet <= 0 {
		return 7
	}
	return p.Quiet
}

var (
	guardQuiet = Guard{"quiet", "the task takes something down, and statements show no usage of it for the stated days, the last of them not before the handover", func(r *ruling) error {
		e, t := r.detail.(*Evidence), r.Subject.Body.(*Task)
		handed := r.Subject.Since.Truncate(24 * time.Hour)
		switch {
		case t.Type != TaskDecommission || len(t.Anchors) == 0:
			return errNoDecommission
		case e.Through.Before(handed):
			return fmt.Errorf("days are complete through %s, it was handed over %s", date(e.Through), date(handed))
		case e.QuietDays() < r.Policy.quiet():
			return fmt.Errorf("quiet for %d days of %d", e.QuietDays(), r.Policy.quiet())
		}
		return nil
	}}
	guardSpends = Guard{"spends", "the task takes something down, and statements show usage of it after the day of the handover, or after it had stopped", func(r *ruling) error {
		e, t := r.detail.(*Evidence), r.Subject.Body.(*Task)
		if t.Type != TaskDecommission {
			return errNoDecommission
		}
		if !e.LastSpend.After(t.downSince(&r.Subject)) {
			return errors.New("none since")
		}
		return nil
	}}
)

// downSince returns after when there should be no usage any more.
func (t *Task) downSince(s *Subject) time.Time {
	if s.State == TaskStopped && t.Evidence != nil {
		return t.Evidence.Through
	}
	return s.Since
}

// watchRows are the transitions that evidence leads to: a decommission that spends
// again is open again, one that is quiet is over. Nobody can say so but the statements.
func watchRows() []Transition {
	clock := []Role{Scheduler}
	return slices.Concat(
		rows(KindTask, []State{TaskHandedOver, TaskStopped}, "observe_spend", clock, TaskInProgress, Transition{Guards: []Guard{guardSpends}, Tell: true}),
		rows(KindTask, []State{TaskHandedOver}, "observe_stopped", clock, TaskStopped, Transition{Guards: []Guard{guardQuiet}, Tell: true}),
	)
}

// A Watched is a decommission task and what statements say of it.
type Watched struct {
	Task     Ref      `json:"task"`
	State    State    `json:"state"` // after what was observed
	Evidence Evidence `json:"evidence"`
	// Left says what is missing for it to be over.
	Left string `json:"left,omitempty"`
}

// Watch holds the decommission tasks against statements: of what spends after it was
// handed over the task is open again, and what has been quiet for [Policy].Quiet days
// is over. Statements that do not reconcile, or of other payers than those that a
// request was found in, are no evidence. Watching again changes nothing.
func (d *Desk) Watch(ctx context.Context, statements ...*attribution.Statement) ([]Watched, error) {
	var out []Watched
	var tasks []*Subject
	for l, err := range d.Registry(ctx, KindTask) {
		if err != nil {
			return nil, fmt.Errorf("governance: watch: %w", err)
		}
		s, err := d.Subject(ctx, l.Subject)
		if err != nil {
			return nil, fmt.Errorf("governance: watch: %w", err)
		}
		if s.Body.(*Task).Type == TaskDecommission && s.State != TaskCancelled {
			tasks = append(tasks, s)
		}
	}
	seen := d.observe(tasks, statements)
	for i, s := range tasks {
		w := Watched{Task: s.Ref, State: s.State, Evidence: seen[i]}
		action := Action("observe_stopped")
		if w.Evidence.LastSpend.After(s.Body.(*Task).downSince(s)) {
			action = "observe_spend"
		}
		if s.State != TaskHandedOver && (s.State != TaskStopped || action != "observe_spend") {
			if s.State != TaskStopped {
				w.Left = "the engineer has yet to hand it over"
			}
			out = append(out, w)
			continue
		}
		r, err := d.Do(ctx, Command{
			ID:    "watch/" + short(fmt.Sprintf("%s %d %s %s", s.Ref, s.Version, action, asText(w.Evidence))),
			Actor: System, Subject: s.Ref, Action: action, Detail: w.Evidence, Expect: s.Version,
		})
		var refused *TransitionError
		switch {
		case errors.As(err, &refused) && errors.Is(err, ErrGuard):
			w.Left = refused.Err.Error()
		case err != nil:
			return out, err
		default:
			w.State = r.Subject.State
		}
		out = append(out, w)
	}
	return out, nil
}

func asText(e Evidence) string {
	return fmt.Sprint(date(e.From), date(e.Through), date(e.LastSpend), e.Spend, e.Statements)
}

// observe works out the evidence on each task, in one pass over the statements.
func (d *Desk) observe(tasks []*Subject, statements []*attribution.Statement) []Evidence {
	f := &finder{opt: DiscoverOptions{Rules: d.policy.attribution()}, names: map[attribution.Anchor]string{}}
	of := map[string][]int{}
	out, sums := make([]Evidence, len(tasks)), make([]exact.Num, len(tasks))
	counts := func(i int, s *attribution.Statement) bool {
		payers := tasks[i].Body.(*Task).Payers
		return s.Reconciled && (len(payers) == 0 || slices.Contains(payers, s.Delivery.Payer))
	}
	for i, s := range tasks {
		for _, a := range s.Body.(*Task).Anchors {
			of[f.identity(a)] = append(of[f.identity(a)], i)
		}
		out[i].cover(statements, func(s *attribution.Statement) bool { return counts(i, s) })
	}
	for _, s := range statements {
		for l := range s.Groups() {
			if l.Kind != attribution.Usage || l.Product == "" {
				continue
			}
			day := time.Unix(l.Key.Bucket.Start, 0).UTC().Truncate(24 * time.Hour)
			for _, i := range f.touched(l, of) {
				if !counts(i, s) {
					continue
				}
				if day.After(out[i].LastSpend) {
					out[i].LastSpend = day
				}
				sums[i].Acc(l.Measures.Exact(cur.UnblendedCost))
			}
		}
	}
	for i := range out {
		out[i].Spend = sums[i].Decimal()
	}
	return out
}

// touched returns the tasks that a group is about, whoever has claimed it by now: by its
// anchor, its resource or its principal.
func (f *finder) touched(l *attribution.Line, of map[string][]int) (out []int) {
	account := l.Key.UsageAccount
	anchors := []attribution.Anchor{l.Anchor}
	if l.Key.Resource != "" {
		anchors = append(anchors, attribution.Anchor{Kind: attribution.KindResource, Value: l.Key.Resource})
	}
	if l.Key.Principal != "" && l.Component.Group() == "model" {
		anchors = append(anchors, attribution.Anchor{Kind: attribution.KindRole, Value: l.Key.Principal}, attribution.Anchor{Kind: attribution.KindUser, Value: l.Key.Principal})
	}
	for _, a := range anchors {
		if a.Value == "" {
			continue
		}
		if a.Account == "" && a.Kind != attribution.KindTag {
			a.Account = account
		}
		out = merge(out, of[f.identity(a)]...)
	}
	return out
}

// cover states which days the statements that count cover without a break, up to the
// latest, and names them.
func (e *Evidence) cover(statements []*attribution.Statement, counts func(*attribution.Statement) bool) {
	type span struct{ from, through time.Time }
	payers := map[string][]span{}
	for _, s := range statements {
		if !counts(s) || s.CompleteThrough.IsZero() {
			continue
		}
		from, next := s.Delivery.Period.Start(), s.Delivery.Period.End()
		through := s.CompleteThrough
		if !through.Before(next) {
			through = next.AddDate(0, 0, -1)
		}
		if through.Before(from) {
			continue
		}
		payers[s.Delivery.Payer] = append(payers[s.Delivery.Payer], span{from, through})
		e.Currency = s.Currency
		e.Statements = merge(e.Statements, fmt.Sprintf("%s %s as of %s", s.Delivery.Payer, s.Delivery.Period, date(s.Delivery.AsOf)))
	}
	// Of several payers, the days that all of them cover.
	first := true
	for _, spans := range payers {
		slices.SortFunc(spans, func(a, b span) int { return a.from.Compare(b.from) })
		run := spans[0]
		for _, s := range spans[1:] {
			if s.from.After(run.through.AddDate(0, 0, 1)) {
				run = s
			} else if s.through.After(run.through) {
				run.through = s.through
			}
		}
		if first || run.from.After(e.From) {
			e.From = run.from
		}
		if first || run.through.Before(e.Through) {
			e.Through = run.through
		}
		first = false
	}
}
