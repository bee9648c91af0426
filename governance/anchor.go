package governance

import (
	"fmt"
	"slices"
	"time"

	"github.com/spendclaim/spendclaim/attribution"
)

// KindAnchor is the kind of anchors. An anchor's subject holds its whole claim
// timeline and is what keeps it with one owner at any instant: whoever changes who
// owns it changes this record. Its actions, all of them consequences: hold, confirm,
// drop, end, move.
const KindAnchor Kind = "anchor"

// AnchorTracked is the one state of an anchor: its record stays for good.
const AnchorTracked State = "tracked"

// A Holding is the claim timeline of an anchor: intervals that do not overlap,
// ascending.
type Holding struct {
	Canonical string         `json:"canonical"` // see attribution.Anchor.Canonical
	Intervals []HoldInterval `json:"intervals,omitempty"`
	// Claims counts the claims there have been, dropped ones included.
	Claims int `json:"claims"`
}

// A HoldInterval is the time that one claim holds an anchor.
type HoldInterval struct {
	Claim    attribution.ClaimID    `json:"claim"`
	Workload attribution.WorkloadID `json:"workload"` // whose claim it is
	Anchor   attribution.Anchor     `json:"anchor"`   // as claimed
	Share    *attribution.Share     `json:"share,omitempty"`
	From     time.Time              `json:"from"`
	To       time.Time              `json:"to,omitzero"` // zero: open
	// Pending: the claim waits for approval. It keeps others out and is not
	// attributed to yet.
	Pending    bool      `json:"pending,omitempty"`
	RecordedAt time.Time `json:"recorded_at"`
}

// overlaps reports whether two intervals share an instant.
func (h HoldInterval) overlaps(o HoldInterval) bool {
	return (h.To.IsZero() || o.From.Before(h.To)) && (o.To.IsZero() || h.From.Before(o.To))
}

// holdDetail is the detail of hold.
type holdDetail struct {
	Canonical string `json:"canonical"`
	HoldInterval
}

// endDetail is the detail of confirm, drop, end and move, which also holds.
type endDetail struct {
	Claim attribution.ClaimID `json:"claim"`
	At    time.Time           `json:"at,omitzero"`
	Next  *HoldInterval       `json:"next,omitempty"`
}

// anchorID returns the id of an anchor's subject: a digest of its canonical form,
// which may be too long for a key.
func anchorID(p *Policy, a attribution.Anchor) (string, error) {
	canonical, err := a.Canonical(p.attribution())
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrDetail, err)
	}
	return short(canonical), nil
}

func anchorRef(id string) Ref { return Ref{Kind: KindAnchor, ID: id} }

// anchorPartition spreads anchors over 256 partitions.
func anchorPartition(id string) string { return "gov/anchor/" + id[:min(2, len(id))] }

var (
	guardUnclaimed = Guard{"unclaimed", "nobody holds the anchor in the claim's time", func(r *ruling) error {
		d := r.detail.(*holdDetail)
		if h, ok := r.Subject.Body.(*Holding); ok {
			return h.free(d.HoldInterval)
		}
		return nil
	}}
	guardHeld = Guard{"held", "the claim holds the anchor", func(r *ruling) error {
		d := r.detail.(*endDetail)
		if r.Subject.Body.(*Holding).index(d.Claim) < 0 {
			return fmt.Errorf("claim %s does not", d.Claim)
		}
		return nil
	}}
)

// free reports who holds the anchor in an interval, as an error.
func (h *Holding) free(want HoldInterval) error {
	for _, i := range h.Intervals {
		if i.overlaps(want) {
			until := "on"
			if !i.To.IsZero() {
				until = "to " + date(i.To)
			}
			return fmt.Errorf("%w: %s is held by workload %q (claim %s) from %s %s", ErrAnchorClaimed, want.Anchor, i.Workload, i.Claim, date(i.From), until)
		}
	}
	return nil
}

func (h *Holding) index(c attribution.ClaimID) int {
	return slices.IndexFunc(h.Intervals, func(i HoldInterval) bool { return i.Claim == c })
}

func anchorRules() *kindRules {
	k, by := KindAnchor, []Role{Consequence}
	tracked := []State{AnchorTracked}
	held := Transition{Guards: []Guard{guardHeld}}
	return &kindRules{
		rows: func() []Transition {
			return slices.Concat(
				rows(k, []State{None, AnchorTracked}, "hold", by, AnchorTracked, Transition{Guards: []Guard{guardUnclaimed}}),
				rows(k, tracked, "confirm", by, AnchorTracked, held),
				rows(k, tracked, "drop", by, AnchorTracked, held),
				rows(k, tracked, "end", by, AnchorTracked, held),
				rows(k, tracked, "move", by, AnchorTracked, held),
			)
		},
		final: tracked,
		body:  func() any { return new(Holding) },
		detail: func(a Action) any {
			if a == "hold" {
				return new(holdDetail)
			}
			return new(endDetail)
		},
		apply: applyAnchor,
	}
}

func applyAnchor(s *Subject, e *Event, detail any) error {
	h := s.Body.(*Holding)
	if d, ok := detail.(*holdDetail); ok {
		h.Canonical = d.Canonical
		h.add(d.HoldInterval)
		return nil
	}
	d := detail.(*endDetail)
	i := h.index(d.Claim)
	if i < 0 {
		return fmt.Errorf("claim %s does not hold the anchor", d.Claim)
	}
	switch e.Action {
	case "confirm":
		h.Intervals[i].Pending = false
	case "drop":
		h.Intervals = slices.Delete(h.Intervals, i, i+1)
	case "end", "move":
		// A claim that never came into force leaves no time behind.
		if h.Intervals[i].From.Before(d.At) {
			h.Intervals[i].To = d.At
		} else {
			h.Intervals = slices.Delete(h.Intervals, i, i+1)
		}
		if d.Next != nil {
			h.add(*d.Next)
		}
	}
	return nil
}

func (h *Holding) add(n HoldInterval) {
	h.Claims++
	h.Intervals = append(h.Intervals, n)
	slices.SortFunc(h.Intervals, func(a, b HoldInterval) int { return a.From.Compare(b.From) })
}
