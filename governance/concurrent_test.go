package governance

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/spendclaim/spendclaim/storage"
)

// TestSixteenDecideOnce: sixteen people decide on one request at the same time. One
// decision wins; the others get a conflict that shows how it stands.
func TestSixteenDecideOnce(t *testing.T) {
	for name, expect := range map[string]uint64{"having seen the same version": 1, "whatever the version": 0} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			q := request("bot")
			o.must(Command{Actor: "becki", Subject: q, Action: "submit", Detail: ask()})
			for i := range 16 {
				o.must(Command{Actor: System, Subject: person(PersonID(fmt.Sprintf("lead-%d", i))), Action: "put", Detail: PersonDetail{
					Roles: []Assignment{{Role: FinOpsLead, From: noon.AddDate(-1, 0, 0)}},
				}})
			}
			var wg sync.WaitGroup
			start := make(chan struct{})
			errs := make([]error, 16)
			for i := range 16 {
				wg.Go(func() {
					<-start
					action := []Action{"approve", "reject", "ask_changes"}[i%3]
					_, errs[i] = o.desk.Do(context.Background(), Command{
						ID: fmt.Sprintf("at once %d", i), Actor: PersonID(fmt.Sprintf("lead-%d", i)), Subject: q, Action: action, Rationale: "mine", Expect: expect,
					})
				})
			}
			close(start)
			wg.Wait()
			now := o.subject(q)
			won, conflicts := 0, 0
			for _, err := range errs {
				var conflict *ConflictError
				var refused *TransitionError
				switch {
				case err == nil:
					won++
				case errors.As(err, &conflict):
					conflicts++
					if conflict.State != now.State || conflict.Version != 2 || conflict.Latest.Action == "" {
						t.Errorf("conflict shows %s, version %d, after %q: %v", conflict.State, conflict.Version, conflict.Latest.Action, err)
					}
				case expect == 0 && errors.As(err, &refused) && refused.From == now.State:
					// It came when all was over, and saw that.
				case expect == 0 && errors.Is(err, storage.ErrConflict):
					conflicts++ // the attempts were used up
				default:
					t.Errorf("got %v", err)
				}
			}
			if won != 1 || now.Version != 2 || expect == 1 && conflicts != 15 {
				t.Errorf("%d won, %d conflicts, version %d", won, conflicts, now.Version)
			}
			checkHistory(t, o.desk, q)
		})
	}
}
