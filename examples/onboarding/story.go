package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/attribution/ledger"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/estimate"
	"github.com/spendclaim/spendclaim/examples/quickstart/months"
	"github.com/spendclaim/spendclaim/governance"
	"github.com/spendclaim/spendclaim/pricing"
	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/boltstore"
)

// The people of the story, beside the owners that the sample names.
const (
	lead     governance.PersonID = "fatima.lead"
	engineer governance.PersonID = "emil.cloud"
	becki    governance.PersonID = "becki.smith"
	dana     governance.PersonID = "dana.portfolio" // of Customer & Insights
	piet     governance.PersonID = "piet.portfolio" // of Risk & Payments
)

// story is one run. Its clock stands still between scenes, so that it tells the same
// every day.
type story struct {
	desk   *governance.Desk
	ledger *ledger.Ledger
	now    time.Time
	n      int
	out    *output
	trail  []governance.Ref // the subjects whose history is shown, in their order
}

// tell tells the story on a new file; on a temporary one where db is blank.
func tell(ctx context.Context, db string) (out *output, err error) {
	path := db
	if path == "" {
		dir, err := os.MkdirTemp("", "spendclaim-onboarding-")
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
		path = filepath.Join(dir, "desk.db")
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%q is there already: the story begins with a new file", path)
	}
	d, err := boltstore.Open(path, &boltstore.Options{Create: true, Timeout: 2 * time.Second})
	if err != nil {
		return nil, err
	}
	books := func(kind string) bool { return kind == "ledger.book" || kind == "ledger.claims" }
	store := storage.New(d, &storage.Options{Audited: governance.Audited(books)})
	defer func() { err = errors.Join(err, store.Close()) }()
	s := &story{out: &output{Schema: 1, Synthetic: true}}
	clock := func() time.Time { return s.now }
	s.desk = governance.New(store, &governance.Options{Now: clock})
	s.ledger = ledger.New(store, &ledger.Options{Now: clock})
	for _, scene := range []func(context.Context) error{s.people, s.onboard, s.brownfield, s.cards, s.restated, s.audit} {
		if err := scene(ctx); err != nil {
			return nil, err
		}
	}
	return s.out, nil
}

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return t
}

// do gives one command. Its id is its number: real ones come from whoever asks, so that
// asking again does nothing.
func (s *story) do(ctx context.Context, who governance.PersonID, ref governance.Ref, a governance.Action, why string, detail any) (*governance.Subject, error) {
	s.n++
	r, err := s.desk.Do(ctx, governance.Command{
		ID: fmt.Sprintf("step-%03d", s.n), Actor: who, Subject: ref, Action: a, Rationale: why, Detail: detail,
	})
	return &r.Subject, err
}

// people imports the directory.
func (s *story) people(ctx context.Context) error {
	s.now = at("2026-03-30T09:00:00Z")
	role := func(id governance.PersonID, r governance.Role, node string) governance.PersonEntry {
		return governance.PersonEntry{ID: id, Roles: []governance.Assignment{{Role: r, Node: node}}}
	}
	money := func(centre string) governance.Fields {
		return governance.Fields{Entity: "DE01", CostCentre: centre, LedgerAccount: "6540"}
	}
	_, err := s.desk.Import(ctx, "directory 2026-03-30", governance.System, &governance.Document{
		Version: 1, Effective: s.now,
		Nodes: []governance.NodeEntry{
			{ID: "ci", Level: "portfolio", Name: "Customer & Insights", Fields: money("4711")},
			{ID: "rp", Level: "portfolio", Name: "Risk & Payments", Fields: money("4712")},
		},
		People: []governance.PersonEntry{
			role(lead, governance.FinOpsLead, ""), role(engineer, governance.CloudEngineer, ""),
			role(dana, governance.PortfolioOwner, "ci"), role(piet, governance.PortfolioOwner, "rp"),
			role(becki, governance.ProductOwner, ""), role("owner.insights", governance.ProductOwner, ""),
			role("owner.documents", governance.ProductOwner, ""), role("owner.risk", governance.ProductOwner, ""),
		},
	})
	return err
}

// onboard takes the sample's applications through the four steps, one after the other.
func (s *story) onboard(ctx context.Context) error {
	claims, err := months.Claims()
	if err != nil {
		return err
	}
	for _, w := range claims.Workloads {
		var items []governance.HandoffItem
		scope := governance.Scope{Regions: []string{"us-east-1"}, Models: []string{"*"}, Expires: at("2027-04-01T00:00:00Z"),
			Components: []pricing.Group{pricing.GroupRuntime, pricing.GroupMemory, pricing.GroupCodeInterpreter, pricing.GroupModel}}
		for _, c := range claims.Claims {
			if t, ok := c.Target.(attribution.Whole); ok && t.Workload == w.ID {
				items = append(items, governance.HandoffItem{Anchor: c.Anchor, Component: componentOf(c.Anchor)})
				scope.Accounts = append(scope.Accounts, accountOf(c.Anchor))
			}
		}
		node := "ci"
		if w.Portfolio != "Customer & Insights" {
			node = "rp"
		}
		ref := governance.Ref{Kind: governance.KindRequest, Workload: w.ID, ID: "br-1"}
		owner := governance.PersonID(w.Owner)
		if w.ID == "customer-support-bot" {
			s.trail = append(s.trail, ref, taskRef(ref), workloadRef(w.ID))
		}
		if _, err := s.do(ctx, owner, ref, "submit", "", governance.RequestDetail{
			Name: w.Name, UseCase: "agent on AgentCore", Type: "infrastructure", Owner: owner, Node: node, Scope: scope,
			Budget: decimal.NewFromInt(2000), Currency: "USD",
		}); err != nil {
			return err
		}
		s.now = s.now.Add(time.Hour)
		if _, err := s.do(ctx, lead, ref, "approve", "use case and components fit the platform", nil); err != nil {
			return err
		}
		if err := s.build(ctx, ref, governance.Handoff{Items: items}); err != nil {
			return err
		}
		if err := s.own(ctx, owner, w.ID, items, at("2026-04-01T00:00:00Z"), decimal.NewFromInt(2000)); err != nil {
			return err
		}
		s.out.Onboarded = append(s.out.Onboarded, onboarded{w.ID, owner, node, len(items), governance.WorkloadActive})
	}
	return nil
}

// build has the engineer do the task of a request, and hand over.
func (s *story) build(ctx context.Context, request governance.Ref, h governance.Handoff) error {
	ref := taskRef(request)
	s.now = s.now.Add(time.Hour)
	t, err := s.do(ctx, engineer, ref, "take", "", nil)
	if err != nil {
		return err
	}
	for _, step := range t.Body.(*governance.Task).Steps {
		if _, err := s.do(ctx, engineer, ref, "step", "", governance.Step{Name: step, Record: "CHG-0042"}); err != nil {
			return err
		}
	}
	_, err = s.do(ctx, engineer, ref, "hand_over", "", h)
	return err
}

// own has the Product Owner claim what was handed over, and confirm a budget. What is
// claimed for the past the FinOps Lead approves.
func (s *story) own(ctx context.Context, owner governance.PersonID, w attribution.WorkloadID, items []governance.HandoffItem, from time.Time, budget decimal.Decimal) error {
	s.now = s.now.Add(time.Hour)
	d := governance.ClaimDetail{From: from}
	for _, i := range items {
		d.Items = append(d.Items, governance.ClaimItem{Anchor: i.Anchor})
	}
	if _, err := s.do(ctx, owner, workloadRef(w), "claim", "", d); err != nil {
		return err
	}
	var pending []governance.Ref
	for c, err := range s.desk.In(ctx, workloadRef(w), governance.KindClaim) {
		if err != nil {
			return err
		}
		if c.State == governance.ClaimPending {
			pending = append(pending, c.Ref)
		}
	}
	for _, c := range pending {
		if _, err := s.do(ctx, lead, c, "approve", "it ran since then", nil); err != nil {
			return err
		}
	}
	may := estimate.Calendar{}.Month(at("2026-05-01T00:00:00Z"))
	_, err := s.do(ctx, owner, workloadRef(w), "confirm", "", governance.EstimateDetail{From: from, Estimate: governance.Estimate{
		Plan: estimate.Plan{Period: may, Currency: "USD"}, Budget: decimal.NewNullDecimal(budget),
	}})
	return err
}

// deliver books a delivery under the claims that governance holds.
func (s *story) deliver(ctx context.Context, folder string) (ledger.Generation, error) {
	fail := func(err error) (ledger.Generation, error) { return ledger.Generation{}, err }
	claims, err := s.desk.SaveClaims(ctx, s.ledger)
	if err != nil {
		return fail(err)
	}
	for _, d := range months.Deliveries() {
		if d.Folder != folder {
			continue
		}
		sets, err := cur.Locate(ctx, cur.FS(months.Files), folder)
		if err != nil {
			return fail(err)
		}
		r := cur.Rollup{Where: attribution.DefaultScope().Where(), Keys: attribution.Columns(claims, nil), AsOf: d.AsOf}
		rolled, err := r.Run(ctx, sets[0])
		if err != nil {
			return fail(err)
		}
		b, err := s.ledger.Prepare(ctx, rolled[0], claims, nil)
		if err == nil {
			err = b.Commit(ctx)
		}
		if err != nil {
			return fail(err)
		}
		s.now = d.AsOf.Add(time.Hour)
		return b.Generation, nil
	}
	return fail(fmt.Errorf("no delivery %q", folder))
}

func workloadRef(w attribution.WorkloadID) governance.Ref {
	return governance.Ref{Kind: governance.KindWorkload, Workload: w}
}

// taskRef names the first task of a request.
func taskRef(request governance.Ref) governance.Ref {
	return governance.Ref{Kind: governance.KindTask, Workload: request.Workload, ID: request.ID + "-1"}
}

// componentOf says what the sample's anchors are used for.
func componentOf(a attribution.Anchor) pricing.Group {
	arn, _ := attribution.ParseARN(a.Value)
	switch what, _, _ := strings.Cut(arn.Resource, "/"); {
	case a.Kind == attribution.KindRole:
		return pricing.GroupModel
	case strings.HasPrefix(what, "memory"):
		return pricing.GroupMemory
	case strings.HasPrefix(what, "code-interpreter"):
		return pricing.GroupCodeInterpreter
	}
	return pricing.GroupRuntime
}

func accountOf(a attribution.Anchor) string {
	if arn, ok := attribution.ParseARN(a.Value); ok {
		return arn.Account
	}
	return a.Account
}
