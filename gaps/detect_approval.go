package gaps

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spendclaim/spendclaim/pricing"
)

// approvalDetector finds usage that no approval in force on its day covers: where none
// speaks of it at all, the application was never approved; where one does, its scope
// is exceeded. A subject is a workload in an account, or an anchor that nobody claims;
// of a scope also the first dimension that is exceeded, and its value.
type approvalDetector struct{}

func (approvalDetector) Kinds() []Kind {
	return []Kind{NoBudgetAllocation, NotBusinessApproved, OutOfApprovedScope}
}

func (approvalDetector) Needs(v *View) bool { return v.Approvals != nil }

func (approvalDetector) Detect(v *View, report func(Finding)) {
	for s := range v.Spends() {
		r := v.approved.reach(s)
		// Days go by what holds on them. Most spends have one answer for all days.
		days := map[*reach]map[time.Time]bool{}
		uncovered := 0
		for i := range s.days {
			at := s.days[i].time()
			if r.covered(at) {
				continue
			}
			near := r.nearest(at)
			if days[near] == nil {
				days[near] = map[time.Time]bool{}
			}
			days[near][at] = true
			uncovered++
		}
		for near, on := range days {
			f := Finding{Spend: s, Subject: applicant(s), On: func(d time.Time) bool { return on[d] }}
			if len(on) == len(s.days) {
				f.On = nil
			}
			if near == nil {
				f.unapproved(s, r)
			} else {
				f.beyond(s, near)
			}
			report(f)
		}
	}
}

// applicant is who would have asked for approval.
func applicant(s *Spend) Subject {
	subject := Subject{Account: s.Key.UsageAccount}
	if owners := s.Owners(); len(owners) == 1 {
		subject.Workload = owners[0]
	} else {
		subject.Anchor = s.Anchor
	}
	return subject
}

// unapproved makes f a finding of something that was never approved, or is no longer.
func (f *Finding) unapproved(s *Spend, r *reached) {
	f.Kind = NoBudgetAllocation
	if s.Models() {
		f.Kind = NotBusinessApproved
	}
	f.Why = fmt.Sprintf("no approved request speaks of %s in account %s", subjectText(f.Subject), or(s.Key.UsageAccount))
	if x := r.lapsed(); x != nil {
		f.Approval = x.id
		f.Why = fmt.Sprintf("request %s covers %s in account %s, but is in force %s", x.id, subjectText(f.Subject), or(s.Key.UsageAccount), span(x.from, x.to))
	}
}

// beyond makes f a finding of something outside an approval's scope.
func (f *Finding) beyond(s *Spend, near *reach) {
	f.Kind, f.Approval = OutOfApprovedScope, near.id
	order := []string{aspectAccount, aspectRegion, aspectComponent, aspectModel}
	f.Subject.Aspect = slices.MinFunc(near.outside, func(a, b string) int {
		place := func(x string) int {
			if i := slices.Index(order, x); i >= 0 {
				return i
			}
			return len(order)
		}
		return cmp.Or(cmp.Compare(place(a), place(b)), cmp.Compare(a, b))
	})
	switch f.Subject.Aspect {
	case aspectAccount:
		f.Subject.Value = s.Key.UsageAccount
	case aspectRegion:
		f.Subject.Value = s.Region
	case aspectComponent:
		// Approvals speak of features, runtime and memory, and not of their meters.
		if f.Subject.Value = string(s.Component.Group()); s.Component.Group() == pricing.GroupOther {
			f.Subject.Value = string(s.Component)
		}
	case aspectModel:
		f.Subject.Value = pricing.ModelKey(s.Model)
	default:
		f.Subject.Value = f.Subject.Aspect
	}
	f.Subject.Value = cmp.Or(f.Subject.Value, unknownValue)
	f.Why = fmt.Sprintf("%s %s of %s is outside the scope of request %s, as are its %s", f.Subject.Aspect, f.Subject.Value, subjectText(f.Subject), near.id, strings.Join(near.outside, ", "))
	if len(near.outside) == 1 {
		f.Why = fmt.Sprintf("%s %s of %s is outside the scope of request %s", f.Subject.Aspect, f.Subject.Value, subjectText(f.Subject), near.id)
	}
}

// subjectText names a subject for people.
func subjectText(s Subject) string {
	switch {
	case s.Workload != "":
		return "workload " + string(s.Workload)
	case s.Anchor.Value != "":
		return string(s.Anchor.Kind) + " " + s.Anchor.Value
	case s.Aspect != "":
		return s.Aspect + " " + s.Value
	}
	return "usage that names nobody"
}

// span writes an interval for people.
func span(from, to time.Time) string {
	switch {
	case from.IsZero() && to.IsZero():
		return "always"
	case from.IsZero():
		return "until " + to.Format(time.DateOnly)
	case to.IsZero():
		return "from " + from.Format(time.DateOnly) + " on"
	}
	return "from " + from.Format(time.DateOnly) + " until " + to.Format(time.DateOnly)
}

func or(s string) string { return cmp.Or(s, unknownValue) }
