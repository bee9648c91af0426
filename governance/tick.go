package governance

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A duty is what time demands of a subject.
type duty struct {
	Action Action
	Detail any
}

// Tick carries out what time and directory demand: approvals that have expired,
// workloads whose owner has left, bulk claims and retirements that were
// interrupted, and what other kinds say is due. Running it twice changes nothing
// more. It returns how many commands it carried out, and goes on where one is
// refused; the errors are joined.
func (d *Desk) Tick(ctx context.Context) (int, error) {
	now := d.now().UTC().Round(0)
	dir, err := d.Directory(ctx)
	if err != nil {
		return 0, err
	}
	done := 0
	var all []error
	for _, k := range Kinds() {
		rules := rulesOf(k)
		if rules.due == nil || rules.summary == nil {
			continue
		}
		for l, err := range d.Registry(ctx, k) {
			if err != nil {
				return done, errors.Join(append(all, err)...)
			}
			n, err := d.tick(ctx, l.Subject, rules, dir, now)
			done += n
			if ctx.Err() != nil {
				return done, ctx.Err()
			}
			if err != nil {
				all = append(all, err)
			}
		}
	}
	return done, errors.Join(all...)
}

func (d *Desk) tick(ctx context.Context, ref Ref, rules *kindRules, dir *Directory, now time.Time) (int, error) {
	s, err := d.Subject(ctx, ref)
	if err != nil {
		return 0, err
	}
	if ref.Kind == KindWorkload {
		was := s.Version
		if s, err = d.carryOn(ctx, "tick "+ref.String(), System, ref); err != nil || s.Version != was {
			return 1, err
		}
	}
	due, ok := rules.due(s, dir, now)
	if !ok {
		return 0, nil
	}
	_, err = d.do(ctx, Command{
		ID:    "tick/" + short(fmt.Sprintf("%s %s %d", ref, due.Action, s.Version)),
		Actor: System, Subject: ref, Action: due.Action, Detail: due.Detail, Expect: s.Version,
	}, now)
	if errors.Is(err, ErrStale) {
		return 0, nil // the next tick sees it
	}
	return 1, err
}
