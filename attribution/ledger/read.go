package ledger

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
)

// Names of parts. Readers pass over names they do not know.
const (
	partGroups    = "groups"    // cur.Partial.AppendBody
	partClaims    = "claims"    // the claims used, canonical
	partStatement = "statement" // []Total
	partDelta     = "delta"     // []wireDelta
	partSessions  = "sessions"  // the session grain of the groups, where claims need it: the same
	partSource    = "source"    // files and objects the groups were made from
)

// source is the content of partSource.
type source struct {
	Files   []cur.Info   `json:"files"`
	Objects []cur.Object `json:"objects"`
}

// failed names the part of a generation that could not be read.
func (g *Generation) failed(name string, err error) error {
	return fmt.Errorf("ledger: generation %d of payer %q, period %s: part %q: %w", g.Number, g.Delivery.Payer, g.Delivery.Period, name, err)
}

// part reads a part whole.
func (l *Ledger) part(ctx context.Context, g *Generation, name string) ([]byte, error) {
	p, ok := g.Parts[name]
	if !ok {
		return nil, g.failed(name, errors.New("the head does not name it"))
	}
	// The size saves growing; what it may claim before a byte was read is bounded.
	const trusted = 64 << 20
	b := bytes.NewBuffer(make([]byte, 0, min(p.Size, trusted)+bytes.MinRead))
	if _, err := b.ReadFrom(l.store.ReadPart(ctx, p)); err != nil {
		return nil, g.failed(name, err)
	}
	return b.Bytes(), nil
}

func (l *Ledger) partJSON(ctx context.Context, g *Generation, name string, to any) error {
	b, err := l.part(ctx, g, name)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, to); err != nil {
		return g.failed(name, err)
	}
	return nil
}

// Partial returns the stored groups of a generation.
func (l *Ledger) Partial(ctx context.Context, g Generation) (*cur.Partial, error) {
	b, err := l.part(ctx, &g, partGroups)
	if err != nil {
		return nil, err
	}
	p, err := cur.DecodePartial(b)
	if err != nil {
		return nil, g.failed(partGroups, err)
	}
	var s source
	if err := l.partJSON(ctx, &g, partSource, &s); err != nil {
		return nil, err
	}
	return p.WithObjects(s.Objects), nil
}

// Sessions returns the session grain of a generation's groups, nil where none is
// kept: see [attribution.RollUp].
func (l *Ledger) Sessions(ctx context.Context, g Generation) (*cur.Partial, error) {
	if _, ok := g.Parts[partSessions]; !ok {
		return nil, nil
	}
	b, err := l.part(ctx, &g, partSessions)
	if err != nil {
		return nil, err
	}
	p, err := cur.DecodePartial(b)
	if err != nil {
		return nil, g.failed(partSessions, err)
	}
	return p, nil
}

// groups reads what a generation was attributed from, but for the claims.
func (l *Ledger) groups(ctx context.Context, g Generation) (*state, error) {
	p, err := l.Partial(ctx, g)
	if err != nil {
		return nil, err
	}
	s, err := l.Sessions(ctx, g)
	if err != nil {
		return nil, err
	}
	return &state{groups: p, sessions: s, delivery: g.Delivery}, nil
}

// Claims returns the claims that a generation was attributed under.
func (l *Ledger) Claims(ctx context.Context, g Generation) (*attribution.Claims, error) {
	b, err := l.part(ctx, &g, partClaims)
	if err != nil {
		return nil, err
	}
	c, err := attribution.DecodeClaims(b)
	if err != nil {
		return nil, g.failed(partClaims, err)
	}
	return c, nil
}

// Files describes the files that a generation's delivery consists of, as they
// were when it was rolled up.
func (l *Ledger) Files(ctx context.Context, g Generation) ([]cur.Info, error) {
	var s source
	err := l.partJSON(ctx, &g, partSource, &s)
	return s.Files, err
}

// Statements returns the statements of a generation, one for each currency, made
// again from its groups and claims: those that were booked. ErrRules means that
// they were booked under other rules than the ledger's, so that they cannot be
// made again; [Ledger.Totals] still tells what they stated.
func (l *Ledger) Statements(ctx context.Context, g Generation) ([]*attribution.Statement, error) {
	if v := l.rules.Version(); v != g.RulesVersion {
		return nil, fmt.Errorf("ledger: statements of generation %d of payer %q, period %s: rules %s, the ledger's are %s: %w",
			g.Number, g.Delivery.Payer, g.Delivery.Period, g.RulesVersion, v, ErrRules)
	}
	of, err := l.groups(ctx, g)
	if err != nil {
		return nil, err
	}
	if of.claims, err = l.Claims(ctx, g); err != nil {
		return nil, err
	}
	return l.statements(ctx, *of)
}

// statements attributes groups under the ledger's rules.
func (l *Ledger) statements(ctx context.Context, of state) ([]*attribution.Statement, error) {
	ix, err := attribution.NewIndex(of.claims, l.rules, of.groups.Spec())
	if err != nil {
		return nil, err
	}
	return attribution.Attribute(ctx, of.groups, ix, &attribution.Options{Delivery: of.delivery, Horizon: l.horizon, Sessions: of.sessions})
}

// Totals returns what the statements of a generation stated, whatever the rules
// have become since. Per currency they add up to the statement's totals.
func (l *Ledger) Totals(ctx context.Context, g Generation) ([]Total, error) {
	var t []Total
	err := l.partJSON(ctx, &g, partStatement, &t)
	return t, err
}

// ScanTotals yields what Totals returns, one total after the other in the same
// order: by currency, outcome, reason, kind, workload and so on. Memory is that
// of one total. It may be ranged over again. An error ends the sequence.
func (l *Ledger) ScanTotals(ctx context.Context, g Generation) iter.Seq2[Total, error] {
	return func(yield func(Total, error) bool) {
		p, ok := g.Parts[partStatement]
		if !ok {
			yield(Total{}, g.failed(partStatement, errors.New("the head does not name it")))
			return
		}
		r := l.store.ReadPart(ctx, p)
		d := json.NewDecoder(r)
		_, err := d.Token()
		for err == nil && d.More() {
			var t Total
			if err = d.Decode(&t); err == nil && !yield(t, nil) {
				return
			}
		}
		if err == nil {
			_, err = d.Token()
		}
		if err == nil {
			// The digest of a part is held against its end.
			_, err = io.Copy(io.Discard, r)
		}
		if err != nil {
			yield(Total{}, g.failed(partStatement, err))
		}
	}
}

// Delta returns the difference of a generation to the one before, as booked; none
// for the first.
func (l *Ledger) Delta(ctx context.Context, g Generation) ([]Delta, error) {
	var w []wireDelta
	if err := l.partJSON(ctx, &g, partDelta, &w); err != nil {
		return nil, err
	}
	out := make([]Delta, len(w))
	for i := range w {
		out[i] = w[i].delta()
	}
	return out, nil
}

// Booked returns the generations that hold the given files, as rolled up with at
// least the given columns: all files of each generation are among the given ones,
// unchanged by path, size and time, and all given ones are in some generation.
// There is then nothing to gain from opening them. None are returned otherwise,
// nor where the stored groups lack what the ledger's rules need.
func (l *Ledger) Booked(ctx context.Context, files []cur.Info, columns []cur.Column) ([]Generation, error) {
	var out []Generation
	found := make([]bool, len(files))
	for g, err := range l.Heads(ctx) {
		if err != nil {
			return nil, err
		}
		have, err := l.Files(ctx, g)
		if err != nil {
			return nil, err
		}
		place := make([]int, len(have))
		for i, h := range have {
			place[i] = slices.IndexFunc(files, h.Same)
		}
		if len(have) == 0 || slices.Contains(place, -1) {
			continue
		}
		if slices.ContainsFunc(columns, func(c cur.Column) bool { return !slices.Contains(g.Columns, c) }) {
			continue
		}
		if ok, err := l.suffices(ctx, g); err != nil {
			return nil, err
		} else if !ok {
			continue
		}
		for _, i := range place {
			found[i] = true
		}
		out = append(out, g)
	}
	if slices.Contains(found, false) {
		return nil, nil
	}
	return out, nil
}

// suffices reports whether the groups of a generation hold what the rules need.
// Those it was booked under they do.
func (l *Ledger) suffices(ctx context.Context, g Generation) (bool, error) {
	if g.RulesVersion == l.rules.Version() {
		return true, nil
	}
	p, err := l.Partial(ctx, g)
	if err != nil {
		return false, err
	}
	_, err = attribution.NewIndex(nil, l.rules, p.Spec())
	if errors.Is(err, attribution.ErrNotStored) {
		return false, nil
	}
	return err == nil, err
}
