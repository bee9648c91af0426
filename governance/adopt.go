package governance

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
)

// guardConfirmed keeps an adoption honest: nothing that was found is forgotten.
var guardConfirmed = Guard{"confirmed", "of an adoption, every anchor found is in the handoff or said to be gone", func(r *ruling) error {
	t := r.Subject.Body.(*Task)
	if t.Type != TaskAdopt {
		return nil
	}
	h := r.detail.(*Handoff)
	said := map[string]bool{}
	for _, i := range h.all() {
		if id, err := anchorID(r.Policy, whole(i.Anchor)); err == nil {
			said[id] = true
		}
	}
	for _, a := range h.Gone {
		id, err := anchorID(r.Policy, whole(a))
		switch {
		case err != nil:
			return err
		case said[id]:
			return fmt.Errorf("%w: %s is handed over and gone", ErrDetail, a)
		case !slices.ContainsFunc(t.Anchors, func(f attribution.Anchor) bool { got, err := anchorID(r.Policy, f); return err == nil && got == id }):
			return fmt.Errorf("%w: %s is gone, but was not found", ErrDetail, a)
		}
		said[id] = true
	}
	var left []string
	for _, a := range t.Anchors {
		if id, err := anchorID(r.Policy, a); err == nil && !said[id] {
			left = append(left, a.String())
		}
	}
	if len(left) > 0 {
		return fmt.Errorf("neither confirmed nor gone: %s", strings.Join(left[:min(len(left), 5)], ", "))
	}
	return nil
}}

// takenDown returns what a decommission task is about: what a retroactive request was
// found by, or what was handed over under the request.
func (r *ruling) takenDown(q *Request) []attribution.Anchor {
	out := slices.Clone(q.Anchors)
	for _, id := range q.Tasks {
		t := r.Related[Ref{Kind: KindTask, Workload: r.cmd.Subject.Workload, ID: id}]
		if t == nil {
			continue
		}
		for _, i := range t.Body.(*Task).Handoff.all() {
			if i.Anchor.Account == "" {
				if account, _, err := i.where(); err == nil {
					i.Anchor.Account = account
				}
			}
			out = append(out, i.Anchor)
		}
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(out, func(a attribution.Anchor) bool {
		id, err := anchorID(r.Policy, a)
		if err != nil || seen[id] {
			return err == nil
		}
		seen[id] = true
		return false
	})
}

var errNoDecommission = errors.New("the task takes nothing down")

// anchorsOf returns what a key is found by: its resource, else its principal.
func anchorsOf(k *cur.Key) []attribution.Anchor {
	switch {
	case k.Resource != "":
		return []attribution.Anchor{whole(attribution.Anchor{Kind: attribution.KindResource, Value: k.Resource, Account: k.UsageAccount})}
	case k.Principal != "":
		kind := attribution.KindRole
		if arn, ok := attribution.ParseARN(k.Principal); ok && strings.HasPrefix(arn.Resource, "user/") {
			kind = attribution.KindUser
		}
		return []attribution.Anchor{{Kind: kind, Value: k.Principal, Account: k.UsageAccount}}
	}
	return nil
}
