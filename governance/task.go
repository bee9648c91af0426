package governance

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/pricing"
)

// KindTask is the kind of tasks for the Cloud Engineer. A task lies in the partition
// of its workload, a remedy in one of its own. Its actions: open (by an approval), take,
// put_back, step, hand_over, return, cancel; of remedies hand_out and done; by evidence
// observe_spend and observe_stopped.
const KindTask Kind = "task"

// The states of a task.
const (
	TaskOpen       State = "open"
	TaskInProgress State = "in_progress"
	TaskHandedOver State = "handed_over"
	TaskCancelled  State = "cancelled"
	TaskHandedOut  State = "handed_out" // a remedy that somebody has
	TaskDone       State = "done"       // a remedy
)

// TaskType is what a task is for.
type TaskType string

// The types of tasks.
const (
	TaskCreate       TaskType = "create"       // build what was approved
	TaskAdopt        TaskType = "adopt"        // confirm what runs already
	TaskChange       TaskType = "change"       // build what a change added
	TaskDecommission TaskType = "decommission" // stop what is not allowed
	TaskRemedy       TaskType = "remedy"       // whatever else a gap needs, of anybody
)

// A Task is work on infrastructure, done by a person: nothing here touches any.
type Task struct {
	TaskDetail
	Progress []Step   `json:"progress,omitempty"`
	Handoff  *Handoff `json:"handoff,omitempty"`
	// Evidence is what statements said last of what was to be taken down.
	Evidence *Evidence `json:"evidence,omitempty"`
	// Implementer is who has the task, or had it last.
	Implementer PersonID `json:"implementer,omitempty"`
}

// TaskDetail is what a task is opened with, and the detail of hand_out, which takes a
// type, one step and an assignee.
type TaskDetail struct {
	Request string   `json:"request,omitempty"` // its id
	Type    TaskType `json:"type"`
	Scope   Scope    `json:"scope,omitzero"`
	// Steps are to be done, each with a record of it.
	Steps []string `json:"steps"`
	// Anchors are what a retroactive request was found by.
	Anchors []attribution.Anchor `json:"anchors,omitempty"`
	// Payers are those whose statements tell whether it has stopped; none means all.
	Payers []string `json:"payers,omitempty"`
	// Deny are the policy documents that stop what is to be taken down, ready to be
	// pasted; Undenied is what no policy can name. See [Deny].
	Deny     []string             `json:"deny,omitempty"`
	Undenied []attribution.Anchor `json:"undenied,omitempty"`
	// Approvers and Requesters of the request, who are kept apart here too.
	Approvers  []PersonID `json:"approvers,omitempty"`
	Requesters []PersonID `json:"requesters,omitempty"`
	// Assignee is who a remedy is handed to.
	Assignee PersonID `json:"assignee,omitempty"`
}

// A Step is one that was done, and the detail of step.
type Step struct {
	Name string `json:"name"`
	// Record is what is worth keeping: an id, a link, a change number.
	Record string    `json:"record,omitempty"`
	By     PersonID  `json:"by,omitempty"` // set by the desk
	At     time.Time `json:"at,omitzero"`  // likewise
}

// A Handoff is what the Cloud Engineer records for the Product Owner to claim, and the
// detail of hand_over. The execution role authorises model calls: its own claim is
// for these, the components are claimed by their ids.
type Handoff struct {
	ExecutionRole string        `json:"execution_role,omitempty"` // ARN
	Items         []HandoffItem `json:"items,omitempty"`
	Note          string        `json:"note,omitempty"`
	// Gone is what an adoption was found by and what is not there any more.
	Gone []attribution.Anchor `json:"gone,omitempty"`
}

// A HandoffItem is a thing that can be claimed. Account and region may be left out
// where the anchor's ARN has them.
type HandoffItem struct {
	Anchor    attribution.Anchor `json:"anchor"`
	Component pricing.Group      `json:"component"`
	Account   string             `json:"account,omitempty"`
	Region    string             `json:"region,omitempty"`
	Model     string             `json:"model,omitempty"`
}

// maxItems bounds a handoff, so that it fits one record.
const maxItems = 1000

// all returns the items of the handoff, the execution role with them.
func (h *Handoff) all() []HandoffItem {
	if h == nil {
		return nil
	}
	if h.ExecutionRole == "" {
		return h.Items
	}
	return append(slices.Clone(h.Items), HandoffItem{
		Anchor: attribution.Anchor{Kind: attribution.KindRole, Value: h.ExecutionRole}, Component: pricing.GroupModel,
	})
}

// where returns account and region of an item: as stated, and as its ARN says.
func (i HandoffItem) where() (account, region string, err error) {
	account, region = i.Account, i.Region
	if account == "" {
		account = i.Anchor.Account
	}
	if arn, ok := attribution.ParseARN(i.Anchor.Value); ok {
		if arn.Region != "" && region != "" && arn.Region != region {
			return "", "", fmt.Errorf("%w: %s is not in region %s", ErrDetail, i.Anchor, region)
		}
		if region == "" {
			region = arn.Region
		}
		if isAccount(arn.Account) {
			if account != "" && account != arn.Account {
				return "", "", fmt.Errorf("%w: %s is not in account %s", ErrDetail, i.Anchor, account)
			}
			account = arn.Account
		}
	}
	if account == "" {
		return "", "", fmt.Errorf("%w: %s: its account is not known", ErrDetail, i.Anchor)
	}
	principal := i.Anchor.Kind == attribution.KindRole || i.Anchor.Kind == attribution.KindUser
	if region == "" && !principal {
		return "", "", fmt.Errorf("%w: %s: its region is not known", ErrDetail, i.Anchor)
	}
	return account, region, nil
}

// inside checks an item against a scope.
func (i HandoffItem) inside(s Scope, at time.Time) error {
	if i.Component == "" {
		return fmt.Errorf("%w: %s: no component", ErrDetail, i.Anchor)
	}
	account, region, err := i.where()
	if err != nil {
		return err
	}
	if err := s.Allows(at, account, region, i.Component, i.Model); err != nil {
		return fmt.Errorf("%s: %w", i.Anchor, err)
	}
	return nil
}

// stepsFor returns what has to be done for a scope.
func stepsFor(t TaskType, s Scope) []string {
	verb, steps := "deploy ", []string{"execution_role", "permissions"}
	switch t {
	case TaskAdopt:
		verb, steps = "confirm ", []string{"confirm execution_role"}
	case TaskChange:
		steps = []string{"permissions"}
	case TaskDecommission:
		return []string{"deny", "stop", "confirm stopped"}
	}
	for _, c := range s.Components {
		if c != pricing.GroupModel {
			steps = append(steps, verb+string(c))
		}
	}
	return append(steps, "record ids")
}

var (
	guardKnownStep = Guard{"known_step", "the step is one of the task's and not done yet", func(r *ruling) error {
		t, name := r.Subject.Body.(*Task), r.detail.(*Step).Name
		switch {
		case !slices.Contains(t.Steps, name):
			return fmt.Errorf("%q is none of %q", name, t.Steps)
		case t.done(name):
			return fmt.Errorf("%q is done", name)
		}
		return nil
	}}
	guardStepsDone = Guard{"steps_done", "all steps are done", func(r *ruling) error {
		t := r.Subject.Body.(*Task)
		var left []string
		for _, s := range t.Steps {
			if !t.done(s) {
				left = append(left, s)
			}
		}
		if len(left) > 0 {
			return fmt.Errorf("left: %s", strings.Join(left, ", "))
		}
		return nil
	}}
	guardHandoffInScope = Guard{"handoff_in_scope", "role and components of the handoff lie in the approved scope, which is in force", func(r *ruling) error {
		t := r.Subject.Body.(*Task)
		if t.Type == TaskDecommission {
			return nil
		}
		h := r.detail.(*Handoff)
		scope, err := r.scopeInForce(t.Request)
		switch {
		case err != nil:
			return err
		case len(h.Items) > maxItems:
			return fmt.Errorf("%w: %d items, at most %d", ErrDetail, len(h.Items), maxItems)
		case len(h.all()) == 0:
			return fmt.Errorf("%w: the handoff is empty", ErrDetail)
		}
		seen := map[string]bool{}
		for _, i := range h.all() {
			id, err := anchorID(r.Policy, i.Anchor)
			if err != nil {
				return err
			}
			if seen[id] {
				return fmt.Errorf("%w: %s comes twice", ErrDetail, i.Anchor)
			}
			seen[id] = true
			if err := i.inside(*scope, r.now); err != nil {
				return err
			}
		}
		return nil
	}}
	guardRemedy = Guard{"remedy", "it is a remedy, and of a present person of the directory", func(r *ruling) error {
		d := r.detail.(*TaskDetail)
		if d.Type != TaskRemedy || len(d.Steps) != 1 || r.cmd.Subject.Workload != "" {
			return fmt.Errorf("%w: a remedy has that type, one step and no workload", ErrDetail)
		}
		return r.presentOwner(d.Assignee)
	}}
	guardHasTask = Guard{"has_task", "the person has the task", func(r *ruling) error {
		if t := r.Subject.Body.(*Task); !slices.Contains(r.people(), t.Implementer) {
			return fmt.Errorf("%q has it", t.Implementer)
		}
		return nil
	}}
	guardOwnerOf = Guard{"owner", "the person is the workload's budget owner, or acts for him", func(r *ruling) error {
		w := r.workload()
		if w == nil || !r.is(w.Owner()) {
			return errors.New("he is not")
		}
		return nil
	}}
)

func (t *Task) done(step string) bool {
	return slices.ContainsFunc(t.Progress, func(s Step) bool { return s.Name == step })
}

// scopeInForce returns the approved scope of a request of the subject's workload.
func (r *ruling) scopeInForce(request string) (*Scope, error) {
	q := r.Related[Ref{Kind: KindRequest, Workload: r.cmd.Subject.Workload, ID: request}]
	switch {
	case q == nil:
		return nil, errors.New("no request")
	case q.State != RequestApproved && q.State != RequestChangeProposed:
		return nil, fmt.Errorf("request %s is %s", request, q.State)
	}
	scope := q.Body.(*Request).Approved
	if scope == nil {
		return nil, fmt.Errorf("request %s: nothing is approved", request)
	}
	if !scope.Expires.After(r.now) {
		return nil, fmt.Errorf("request %s: %w: expired %s", request, ErrScope, date(scope.Expires))
	}
	return scope, nil
}

// workload returns the workload of the subject's partition, if it was asked for.
func (r *ruling) workload() *Workload {
	if r.cmd.Subject.Kind == KindWorkload {
		w, _ := r.Subject.Body.(*Workload)
		return w
	}
	if s := r.Related[workloadRef(r.cmd.Subject.Workload)]; s != nil {
		return s.Body.(*Workload)
	}
	return nil
}

func workloadRef(id attribution.WorkloadID) Ref { return Ref{Kind: KindWorkload, Workload: id} }

func taskRules() *kindRules {
	k, eng := KindTask, []Role{CloudEngineer}
	from := func(s ...State) []State { return s }
	return &kindRules{
		rows: func() []Transition {
			return slices.Concat(
				rows(k, from(None), "open", []Role{Consequence}, TaskOpen, Transition{Tell: true}),
				rows(k, from(None), "hand_out", []Role{FinOpsLead}, TaskHandedOut, Transition{Guards: []Guard{guardRemedy}, Why: true, Tell: true}),
				rows(k, from(TaskHandedOut), "done", []Role{Anyone}, TaskDone, Transition{Guards: []Guard{guardHasTask}, Why: true, Tell: true}),
				rows(k, from(TaskHandedOut), "cancel", []Role{FinOpsLead}, TaskCancelled, Transition{Why: true, Tell: true}),
				rows(k, from(TaskOpen), "take", eng, TaskInProgress, Transition{Takes: Implementer}),
				rows(k, from(TaskInProgress), "put_back", eng, TaskOpen, Transition{Guards: []Guard{guardHasTask}}),
				rows(k, from(TaskInProgress), "step", eng, TaskInProgress, Transition{Guards: []Guard{guardHasTask, guardKnownStep}, Takes: Implementer}),
				rows(k, from(TaskInProgress), "hand_over", eng, TaskHandedOver, Transition{
					Guards: []Guard{guardHasTask, guardStepsDone, guardHandoffInScope, guardConfirmed}, Takes: Implementer, Tell: true,
				}),
				rows(k, from(TaskHandedOver), "return", []Role{ProductOwner}, TaskInProgress, Transition{Guards: []Guard{guardOwnerOf}, Why: true, Tell: true}),
				rows(k, from(TaskOpen, TaskInProgress), "cancel", []Role{FinOpsLead, Consequence}, TaskCancelled, Transition{Why: true, Tell: true}),
				watchRows(),
			)
		},
		final: []State{TaskCancelled, TaskDone},
		body:  func() any { return new(Task) },
		detail: func(a Action) any {
			switch a {
			case "open", "hand_out":
				return new(TaskDetail)
			case "step":
				return new(Step)
			case "hand_over":
				return new(Handoff)
			case "observe_spend", "observe_stopped":
				return new(Evidence)
			}
			return nil
		},
		needs: func(r *ruling) []Ref {
			out := []Ref{workloadRef(r.cmd.Subject.Workload)}
			if d, ok := r.detail.(*TaskDetail); ok && r.cmd.Action == "hand_out" {
				out = append(out, Ref{Kind: KindPerson, ID: string(d.Assignee)})
			}
			if t, ok := r.Subject.Body.(*Task); ok {
				out = append(out, Ref{Kind: KindRequest, Workload: r.cmd.Subject.Workload, ID: t.Request})
			}
			return out
		},
		place: func(r *ruling) string {
			t, ok := r.Subject.Body.(*Task)
			if !ok {
				return ""
			}
			if w := r.workload(); w != nil {
				return w.Node(r.now)
			}
			if q := r.Related[Ref{Kind: KindRequest, Workload: r.cmd.Subject.Workload, ID: t.Request}]; q != nil {
				return q.Body.(*Request).Node
			}
			return ""
		},
		decide: decideTask,
		apply:  applyTask,
		waits: func(s *Subject) (Turn, bool) {
			t := s.Body.(*Task)
			switch s.State {
			case TaskOpen:
				return Turn{Role: CloudEngineer}, true
			case TaskInProgress:
				return Turn{Person: t.Implementer, Role: CloudEngineer}, true
			case TaskHandedOut:
				return Turn{Person: t.Implementer, Role: Anyone}, true
			}
			return Turn{}, false
		},
		summary: func(s *Subject) any {
			t := s.Body.(*Task)
			return map[string]any{"request": t.Request, "type": t.Type, "implementer": t.Implementer}
		},
	}
}

func decideTask(r *ruling) error {
	switch d := r.detail.(type) {
	case *TaskDetail:
		r.takes = map[Part][]PersonID{}
		if len(d.Approvers) > 0 {
			r.takes[Approver] = d.Approvers
		}
		if len(d.Requesters) > 0 {
			r.takes[Requester] = d.Requesters
		}
	case *Step:
		d.By, d.At = r.cmd.Actor, r.now
	case *Handoff:
		t := r.Subject.Body.(*Task)
		if t.Type == TaskDecommission {
			return nil
		}
		w := r.Related[workloadRef(r.cmd.Subject.Workload)]
		if w == nil || w.State == WorkloadRetired || w.State == WorkloadRetiring {
			return fmt.Errorf("%w: there is no workload to hand over to", ErrGuard)
		}
		action := Action("extend")
		if w.State == WorkloadPlanned {
			action = "ready"
		}
		r.follow(w.Ref, action, TaskRef{Task: r.cmd.Subject.ID})
	}
	return nil
}

func applyTask(s *Subject, e *Event, detail any) error {
	t := s.Body.(*Task)
	switch d := detail.(type) {
	case *TaskDetail:
		t.TaskDetail, t.Implementer = *d, d.Assignee
	case *Step:
		t.Progress = append(t.Progress, *d)
	case *Handoff:
		t.Handoff = d
	case *Evidence:
		t.Evidence = d
	}
	if e.Action == "take" {
		t.Implementer = e.Actor
	}
	return nil
}
