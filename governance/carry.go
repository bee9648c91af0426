package governance

import (
	"context"
	"errors"
	"fmt"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/storage"
)

// carryOn finishes what takes several commits: a bulk claim, and the release of what
// a retiring workload claimed. It can be called again and by anybody who may: each
// commit takes what is left.
func (d *Desk) carryOn(ctx context.Context, id string, actor PersonID, ref Ref) (*Subject, error) {
	for {
		s, err := d.Subject(ctx, ref)
		if err != nil {
			return nil, err
		}
		next, err := d.nextOf(ctx, s)
		if err != nil || next.Action == "" {
			return s, err
		}
		next.ID, next.Actor, next.Subject = fmt.Sprintf("on/%s/%d", short(id), s.Version), actor, ref
		if _, err := d.do(ctx, next, d.now().UTC().Round(0)); err != nil {
			// Somebody else carries it on as well.
			var refused *TransitionError
			if now, again := d.Subject(ctx, ref); again == nil && now.Version != s.Version && (errors.As(err, &refused) || errors.Is(err, ErrStale)) {
				continue
			}
			return s, err
		}
	}
}

// nextOf returns the next step of what a workload has under way; no action where
// there is nothing.
func (d *Desk) nextOf(ctx context.Context, s *Subject) (Command, error) {
	w := s.Body.(*Workload)
	switch s.State {
	case WorkloadClaiming:
		if len(w.Bulk.Items) > maxBatch {
			return Command{Action: "claim_next"}, nil
		}
		return Command{Action: "claim_last"}, nil
	case WorkloadRetiring:
		var claims []attribution.ClaimID
		for c, err := range d.In(ctx, s.Ref, KindClaim) {
			if err != nil {
				return Command{}, err
			}
			if c.State == ClaimActive || c.State == ClaimPending || c.State == ClaimOffered {
				claims = append(claims, c.Body.(*Claim).ID)
			}
			if len(claims) == maxBatch {
				break
			}
		}
		if len(claims) > 0 {
			return Command{Action: "release_next", Detail: ReleaseDetail{Claims: claims}}, nil
		}
		return Command{Action: "finish"}, nil
	}
	return Command{}, nil
}

// checkBulk refuses a bulk claim of which an anchor is taken, before it begins. Later
// on, an anchor that somebody else takes meanwhile stops it, visibly.
func (d *Desk) checkBulk(ctx context.Context, c Command) error {
	r := &ruling{Case: Case{Policy: d.policy}, cmd: c, now: d.now().UTC().Round(0)}
	s, err := d.Subject(ctx, c.Subject)
	if err != nil || s.State != WorkloadReady && s.State != WorkloadClaimed {
		return nil // Do says it
	}
	r.Subject = *s
	if r.decode(workloadRules()) != nil {
		return nil
	}
	if digest, err := c.digest(); err == nil {
		_, err := d.store.Receipt(ctx, storage.Request{ID: requestID(c.ID), Digest: digest})
		if err == nil {
			return nil // given again
		}
	}
	for _, i := range r.items() {
		id, err := anchorID(d.policy, i.Anchor)
		if err != nil {
			return nil
		}
		held, err := d.Subject(ctx, anchorRef(id))
		if errors.Is(err, storage.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if err := held.Body.(*Holding).free(HoldInterval{Anchor: i.Anchor, From: r.from()}); err != nil {
			return r.refused(err)
		}
	}
	return nil
}
