package gaps

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/internal/exact"
)

// Options adjust [Detect]. Nil and the zero value mean the defaults.
type Options struct {
	// Detectors replace those of this package; nil means [Detectors]. Add to them
	// with append(gaps.Detectors(), mine).
	Detectors []Detector
	// Limits say what is material; none, that every gap is.
	Limits []Limit
	// Bar is the score from which on a candidate's owner is told; 0 means 40.
	Bar int
	// Candidates is how many are kept for each gap; 0 means 5.
	Candidates int
	// Table is the name of the CUR 2.0 table in queries; "" means cur2.
	Table string

	_ struct{}
}

// withDefaults fills what is not given.
func (o *Options) withDefaults() Options {
	var out Options
	if o != nil {
		out = *o
	}
	if out.Detectors == nil {
		out.Detectors = Detectors()
	}
	out.Bar = cmp.Or(out.Bar, 40)
	out.Candidates = cmp.Or(out.Candidates, 5)
	out.Table = cmp.Or(out.Table, "cur2")
	return out
}

// Report is the gaps of one statement.
type Report struct {
	Delivery cur.Delivery
	Currency string
	// Gaps are in the order in which rows are counted: by kind, then by id.
	Gaps []Gap
	// Coverage is by day, ascending.
	Coverage []Coverage
	// Looked are the kinds that were looked for, Silent those that were not, because
	// what they need was not handed in.
	Looked, Silent []Kind
	// Now is the clock that the input was judged by.
	Now time.Time
}

// Detect finds the gaps of a statement. The error is that of [NewView], or one that
// names a finding which cannot be used: of a detector of one's own without a remedy or
// a subject.
func Detect(ctx context.Context, in Input, o *Options) (*Report, error) {
	v, err := NewView(ctx, in)
	if err != nil {
		return nil, err
	}
	return v.Detect(ctx, o)
}

// Detect runs detectors over the view.
func (v *View) Detect(ctx context.Context, o *Options) (*Report, error) {
	opts := o.withDefaults()
	found := map[ID]*building{}
	r := &Report{Delivery: v.Statement.Delivery, Currency: v.Statement.Currency, Now: v.Now}
	for _, d := range opts.Detectors {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("gaps: detect: %w", context.Cause(ctx))
		}
		if !d.Needs(v) {
			r.Silent = append(r.Silent, d.Kinds()...)
			continue
		}
		r.Looked = append(r.Looked, d.Kinds()...)
		var bad error
		d.Detect(v, func(f Finding) {
			if err := collect(found, f); err != nil && bad == nil {
				bad = err
			}
		})
		if bad != nil {
			return nil, fmt.Errorf("gaps: detect %v: %w", d.Kinds(), bad)
		}
	}
	slices.SortFunc(r.Silent, compareKinds)
	slices.SortFunc(r.Looked, compareKinds)
	list := slices.SortedFunc(maps.Values(found), func(a, b *building) int {
		return cmp.Or(compareKinds(a.kind, b.kind), cmp.Compare(a.id, b.id))
	})
	v.count(list)
	e := v.newEvidence(&opts)
	for i, b := range list {
		if i%64 == 0 && ctx.Err() != nil {
			return nil, fmt.Errorf("gaps: detect: %w", context.Cause(ctx))
		}
		r.Gaps = append(r.Gaps, e.gap(b))
	}
	r.Coverage = v.coverage()
	return r, nil
}

// building is a gap whose findings are still coming in.
type building struct {
	id       ID
	kind     Kind
	subject  Subject
	remedy   Remedy
	parts    []part
	places   map[*Spend]int // of parts
	findings []Finding      // one without spend, or that of the greatest part
	best     exact.Num
	claims   []string
	counted  exact.Num

	byAccount map[string]exact.Num // counted
}

// part is what a gap has of a spend.
type part struct {
	spend *Spend
	on    []bool // by day of the spend; nil means all
}

// each calls f for every day of the part.
func (p *part) each(f func(d *day)) {
	for i := range p.spend.days {
		if p.on == nil || p.on[i] {
			f(&p.spend.days[i])
		}
	}
}

func (p *part) cost() (sum exact.Num) {
	p.each(func(d *day) { sum.Acc(d.cost) })
	return sum
}

// collect adds a finding to its gap.
func collect(found map[ID]*building, f Finding) error {
	remedy := cmp.Or(f.Remedy, f.Kind.Remedy())
	switch {
	case f.Kind == "":
		return fmt.Errorf("finding without a kind: %s", f.Why)
	case remedy == "":
		return fmt.Errorf("finding of kind %s without a remedy", f.Kind)
	case f.Subject == (Subject{}):
		return fmt.Errorf("finding of kind %s without a subject", f.Kind)
	}
	id := Identify(f.Kind, f.Subject)
	b := found[id]
	if b == nil {
		b = &building{id: id, kind: f.Kind, subject: f.Subject.canonical(), remedy: remedy, places: map[*Spend]int{}}
		found[id] = b
	}
	b.claims = append(b.claims, f.Claims...)
	if f.Spend == nil {
		if len(b.findings) == 0 {
			b.findings = append(b.findings, f)
		}
		return nil
	}
	p := part{spend: f.Spend}
	if f.On != nil {
		p.on = make([]bool, len(f.Spend.days))
		for i := range f.Spend.days {
			p.on[i] = f.On(f.Spend.days[i].time())
		}
	}
	// The finding that speaks for the gap is that of the greatest part; of equal ones
	// the first in the order of the statement, then of texts.
	cost := p.cost()
	if len(b.findings) == 0 || b.findings[0].Spend == nil || before(cost, b.best, f, b.findings[0]) {
		b.findings, b.best = []Finding{f}, cost
	}
	if at, ok := b.places[f.Spend]; ok {
		b.parts[at].join(p)
		return nil
	}
	b.places[f.Spend] = len(b.parts)
	b.parts = append(b.parts, p)
	return nil
}

// before reports whether a finding speaks for a gap rather than another.
func before(cost, than exact.Num, f, g Finding) bool {
	if c := cost.Cmp(than); c != 0 {
		return c > 0
	}
	return cmp.Or(f.Spend.Key.Compare(g.Spend.Key), cmp.Compare(f.Why, g.Why)) < 0
}

// join adds the days of another part of the same spend.
func (p *part) join(o part) {
	if p.on == nil || o.on == nil {
		p.on = nil
		return
	}
	for i := range p.on {
		p.on[i] = p.on[i] || o.on[i]
	}
}

// count gives every day of every spend to the first gap in the list that holds it.
func (v *View) count(list []*building) {
	for _, s := range v.spends {
		for i := range s.days {
			s.days[i].counted = false
		}
	}
	for _, b := range list {
		b.byAccount = map[string]exact.Num{}
		for i := range b.parts {
			var sum exact.Num
			b.parts[i].each(func(d *day) {
				if !d.counted {
					d.counted = true
					sum.Acc(d.cost)
				}
			})
			account := b.parts[i].spend.Key.UsageAccount
			b.byAccount[account] = b.byAccount[account].Add(sum)
			b.counted.Acc(sum)
		}
	}
}
