package governance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/governance/cards"
	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/memstore"
)

// TestNoPathLetsOnePersonAcceptAndApprove walks every sequence of decisions by three
// people who each have every role: no card and no adjustment is ever approved by who
// accepted it, or by nobody, or without having been accepted.
func TestNoPathLetsOnePersonAcceptAndApprove(t *testing.T) {
	for name, owner := range map[string]PersonID{"owned": "a", "nobody's": ""} {
		for _, kind := range []Kind{KindCard, KindAdjustment} {
			t.Run(name+" "+string(kind), func(t *testing.T) {
				body := any(&SpendCard{Holder: Holder{Owner: owner}, Card: cards.Card{Complete: true}})
				if kind == KindAdjustment {
					body = &Adjustment{Holder: Holder{Owner: owner}}
				}
				start := Subject{Ref: Ref{Kind: kind, Workload: "w", ID: "1"}, State: CardOpen, Version: 1, Since: noon, Body: body}
				seen := map[string]bool{}
				queue := []Subject{start}
				approved := 0
				for len(queue) > 0 {
					s := queue[0]
					queue = queue[1:]
					for _, row := range rulesOf(kind).rowsFrom(s.State) {
						if row.Role == Scheduler {
							continue // figures are no decision
						}
						for _, who := range []PersonID{"a", "b", "c"} {
							present := &Subject{Body: &Person{}}
							c := Case{Subject: s, Policy: &Policy{}, Actors: []Capacity{{Role: row.Role}}, Related: map[Ref]*Subject{{Kind: KindPerson, ID: string(owner)}: present}}
							d, err := Decide(c, Command{ID: "c", Actor: who, Subject: s.Ref, Action: row.Action, Role: row.Role, Rationale: "why"}, noon)
							var refused *TransitionError
							if errors.As(err, &refused) {
								continue
							}
							if err != nil {
								t.Fatal(err)
							}
							next, err := Apply(s, d.Event)
							if err != nil {
								t.Fatal(err)
							}
							if next.State == CardApproved {
								approved++
								accepters, approvers := next.Parts[CardAccepter], next.Parts[CardApprover]
								if len(accepters) == 0 || len(approvers) == 0 || slices.ContainsFunc(approvers, func(p PersonID) bool { return slices.Contains(accepters, p) }) {
									t.Fatalf("approved with %v", next.Parts)
								}
							}
							mark := fmt.Sprintf("%s %v", next.State, next.Parts)
							if !seen[mark] {
								seen[mark] = true
								next.Version = 1 // how it came about is in the parts
								queue = append(queue, next)
							}
						}
					}
				}
				if approved == 0 {
					t.Error("no path leads to an approval")
				}
				t.Logf("%d states with who took which part, %d ways to approve", len(seen), approved)
			})
		}
	}
}

// brittle is a driver whose commits fail at times, before or after they are written.
type brittle struct {
	storage.Driver
	n, every int
}

func (b *brittle) Commit(ctx context.Context, w *storage.WriteBatch) error {
	if b.n++; b.every > 0 && b.n%b.every == 0 {
		if b.n%2 == 0 {
			return errors.New("the disk went away")
		}
		if err := b.Driver.Commit(ctx, w); err != nil {
			return err
		}
		return errors.New("the answer was lost")
	}
	return b.Driver.Commit(ctx, w)
}

// TestARunThatWasCutShortIsTakenUpByTheNext: whatever commit fails, and whether or not
// it was written, running again until it works gives the cards of a run that did.
func TestARunThatWasCutShortIsTakenUpByTheNext(t *testing.T) {
	build := func(b *brittle) *estate {
		w := newEstate(t, newStore(b))
		for i := range 60 {
			w.own(fmt.Sprintf("r%02d", i), fmt.Sprintf("w%02d", i), noon.AddDate(0, -1, 0))
			w.usage[place{resource: fmt.Sprintf("r%02d", i), day: 1 + i%10}] = use{cost: decimal.NewFromInt(int64(i))}
		}
		w.deliver(0)
		return w
	}
	sound := build(&brittle{Driver: memstore.New()})
	sound.follow()
	want := fmt.Sprint(len(sound.all(KindCard)))
	for every := 2; every < 6; every++ {
		b := &brittle{Driver: memstore.New()}
		w := build(b)
		b.every = every
		failures := 0
		for {
			_, err := w.desk.SyncCards(t.Context(), w.ledger, bill, w.head.Delivery.Period, w.sync)
			if err == nil {
				break
			}
			if failures++; failures > 50 {
				t.Fatal(err)
			}
			w.now = w.now.Add(time.Minute)
		}
		b.every = 0
		if got := fmt.Sprint(len(w.all(KindCard))); got != want || failures == 0 {
			t.Errorf("every %d: %s cards after %d failures, want %s", every, got, failures, want)
		}
		w.holds()
		for _, s := range w.all(KindCard) {
			if s.Version != 1 {
				t.Errorf("%s has %d events", s.Ref, s.Version)
			}
			checkHistory(t, w.desk, s.Ref)
		}
	}
}
