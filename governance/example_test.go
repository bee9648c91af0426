package governance_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spendclaim/spendclaim/governance"
	"github.com/spendclaim/spendclaim/pricing"
	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/memstore"
)

// A request is asked for by one person and approved by another; what it leads to is
// there at once.
func Example() {
	ctx := context.Background()
	now := time.Date(2026, 5, 4, 9, 0, 0, 0, time.UTC)
	store := storage.New(memstore.New(), &storage.Options{Audited: governance.Audited(nil)})
	desk := governance.New(store, &governance.Options{Now: func() time.Time { return now }})

	people, err := governance.ParseDocumentCSV("people.csv", []byte("person,role\nbecki,product_owner\nlee,finops_lead\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := desk.Import(ctx, "people", governance.System, people); err != nil {
		fmt.Println(err)
		return
	}

	request := governance.Ref{Kind: governance.KindRequest, Workload: "support-bot", ID: "1"}
	do := func(id string, actor governance.PersonID, a governance.Action, why string, detail any) {
		r, err := desk.Do(ctx, governance.Command{ID: id, Actor: actor, Subject: request, Action: a, Rationale: why, Detail: detail})
		switch {
		case errors.Is(err, governance.ErrSeparation):
			fmt.Println(actor, "may not: separation of duties")
		case err != nil:
			fmt.Println(err)
		default:
			fmt.Println(actor, a, "->", r.Subject.State)
		}
	}
	do("c1", "becki", "submit", "", governance.RequestDetail{
		Name: "Support Bot", UseCase: "answers customers", Owner: "becki",
		Scope: governance.Scope{
			Accounts: []string{"820723250459"}, Regions: []string{"us-east-1"},
			Components: []pricing.Group{pricing.GroupRuntime}, Expires: now.AddDate(1, 0, 0),
		},
	})
	do("c2", "becki", "approve", "I know it", nil)
	do("c3", "lee", "approve", "fits the platform", nil)
	do("c3", "lee", "approve", "fits the platform", nil) // given again

	for waiting, err := range desk.Queue(ctx, governance.Turn{Role: governance.CloudEngineer}) {
		fmt.Println("waiting:", waiting.Subject, waiting.State, err)
	}
	// Output:
	// becki submit -> submitted
	// governance: approve request/support-bot/1 by "becki" (Product Owner) in state submitted: none of the actor's roles may; allowed: approve (FinOps Lead); ask_changes (FinOps Lead); reject (FinOps Lead); withdraw (Product Owner)
	// lee approve -> approved
	// lee approve -> approved
	// waiting: task/support-bot/1-1 open <nil>
}

// The diagrams use the words of the installation.
func ExampleMermaid() {
	p := &governance.Policy{Labels: map[governance.Role]string{governance.FinOpsLead: "Financial Admin", governance.Scheduler: "clock"}}
	fmt.Printf("%s", governance.Mermaid(governance.KindAccount, p))
	// Output:
	// stateDiagram-v2
	//     [*] --> open: put (Financial Admin, clock)
	//     open --> open: put (Financial Admin, clock)
	//     open --> closed: close (Financial Admin, clock)
	//     closed --> open: reopen (Financial Admin, clock)
}
