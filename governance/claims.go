package governance

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/attribution/ledger"
	"github.com/spendclaim/spendclaim/storage"
)

// Claims returns what the governed claims attribute by: every claim that is or was in
// force, pending ones left out, and the workloads they name. They come from the anchors'
// records, each of which is read whole, so that no anchor has two owners in them
// whatever goes on meanwhile. A workload's
// portfolio is the node of [Policy].Portfolio that it is under now.
func (d *Desk) Claims(ctx context.Context) (*attribution.Claims, error) {
	fail := func(err error) (*attribution.Claims, error) {
		return nil, fmt.Errorf("governance: claims: %w", err)
	}
	out := &attribution.Claims{}
	for n := range 256 {
		span := storage.Span{Partition: anchorPartition(fmt.Sprintf("%02x", n))}
		for r, err := range d.store.Range(ctx, span) {
			var s *Subject
			if err == nil {
				s, err = decodeSubject(&r)
			}
			if err != nil {
				return fail(err)
			}
			for _, i := range s.Body.(*Holding).Intervals {
				if !i.Pending {
					out.Claims = append(out.Claims, i.attribution())
				}
			}
		}
	}
	slices.SortFunc(out.Claims, func(a, b attribution.Claim) int { return cmp.Compare(a.ID, b.ID) })
	now := d.now()
	dir, err := d.Directory(ctx)
	if err != nil {
		return nil, err
	}
	for l, err := range d.Registry(ctx, KindWorkload) {
		var w WorkloadSummary
		if err == nil {
			err = json.Unmarshal(l.Summary, &w)
		}
		if err != nil {
			return fail(err)
		}
		out.Workloads = append(out.Workloads, attribution.Workload{
			ID: l.Subject.Workload, Name: w.Name, Owner: string(w.Owner()),
			Portfolio: dir.Ancestor(nodeAt(w.Nodes, now), d.policy.portfolio(), now),
		})
	}
	return out, nil
}

// SaveClaims brings the ledger's current claims to what governance holds, and returns
// them. The claims are a projection of the anchors' records: nothing is lost when it
// is interrupted, and saving again makes it good. It saves until nothing has changed
// meanwhile, so that of several that run at once the last leaves the latest.
//
// Errors are those of the ledger and the store. After it, attribute the books anew with
// ledger.Reattribute.
func (d *Desk) SaveClaims(ctx context.Context, l *ledger.Ledger) (*attribution.Claims, error) {
	c, err := d.Claims(ctx)
	for err == nil {
		var saved, again *attribution.Claims
		saved, err = l.SaveClaims(ctx, c)
		if errors.Is(err, storage.ErrConflict) {
			err = nil // somebody else saved: look again
		}
		if err != nil {
			break
		}
		again, err = d.Claims(ctx)
		if err == nil && saved != nil && string(again.AppendJSON(nil)) == string(c.AppendJSON(nil)) {
			return saved, nil
		}
		c = again
	}
	return nil, fmt.Errorf("governance: save claims: %w", err)
}
