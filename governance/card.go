package governance

import (
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/estimate"
	"github.com/spendclaim/spendclaim/governance/cards"
)

// KindCard is the kind of spend cards: the usage of one workload, or of nobody, in one
// week. Its body is a *[SpendCard]. People accept, dispute and approve; what the
// statement says comes in by [Desk.SyncCards] alone.
//
//	accept   the owner agrees; the figures are pinned from then on
//	dispute  the owner does not; the FinOps Lead decides, by
//	uphold   the figures stand, and count as accepted by the lead
//	adjust   the money is somebody else's: [CorrectionDetail] says what claims will have
//	         to say; figures change with the statement and never by hand
//	return   the card goes back to its owner; so may a Portfolio Owner do before approving
//	approve  the Portfolio Owner agrees
//
// A card that nobody owns, or whose owner has left, is the FinOps Lead's.
const KindCard Kind = "card"

// The states of cards and adjustments: their approval. What is known of the data is in
// the body, for the two are apart.
const (
	CardOpen     State = "open"
	CardAccepted State = "accepted"
	CardDisputed State = "disputed"
	CardReturned State = "returned"
	CardApproved State = "approved"
)

// A Holder is who a card is for, as the directory said when the card last followed it.
// A re-organisation reaches cards that are not approved and no others.
type Holder struct {
	Name  string   `json:"name,omitempty"` // of the workload
	Owner PersonID `json:"owner,omitempty"`
	// Node is where the card is in the hierarchy, and Path that with all above it.
	Node string   `json:"node,omitempty"`
	Path []string `json:"path,omitempty"`
	Fields
}

func (h *Holder) equal(o *Holder) bool {
	return h.Name == o.Name && h.Owner == o.Owner && h.Node == o.Node && h.Fields == o.Fields && slices.Equal(h.Path, o.Path)
}

// SpendCard is the body of a card. Approval and data are two axes: the state says what
// people did; Final, Drift and Generation say what has become of the statement.
type SpendCard struct {
	Holder
	// Card has the figures: the latest while the owner has not accepted, from then on
	// those that he accepted. Its generation is the one that is pinned.
	Card cards.Card `json:"card"`
	// Drift is what the statement has come to differ by since, Causes why.
	Drift  cards.Drift   `json:"drift,omitzero"`
	Causes []cards.Cause `json:"causes,omitempty"`
	// Generation and AsOf are of the statement that the card last followed, and Final
	// says that there all of its slice is invoiced.
	Generation uint64    `json:"generation"`
	AsOf       time.Time `json:"as_of"`
	Final      bool      `json:"final,omitempty"`
	// Within is how long each decision may take.
	Within time.Duration `json:"within"`
	// Reason is why the card was disputed or returned last.
	Reason      string            `json:"reason,omitempty"`
	Correction  *CorrectionDetail `json:"correction,omitempty"`
	Escalations []Escalation      `json:"escalations,omitempty"`
}

// Now returns what the statement says the card's usage is: pinned, and the drift.
func (c *SpendCard) Now() decimal.Decimal { return c.Card.Cost.Add(c.Drift.Cost) }

// An Escalation says who was told that a decision is overdue.
type Escalation struct {
	At    time.Time `json:"at"`
	State State     `json:"state"`
	To    Role      `json:"to"`
}

// CardDetail is the detail of open, refresh and reopen: what the statement says.
type CardDetail struct {
	Holder
	Card   cards.Card    `json:"card"`
	Within time.Duration `json:"within,omitempty"`
}

// DriftDetail is the detail of drift: how a pinned card stands to the statement.
type DriftDetail struct {
	Generation uint64        `json:"generation"`
	AsOf       time.Time     `json:"as_of"`
	Final      bool          `json:"final,omitempty"`
	Drift      cards.Drift   `json:"drift,omitzero"`
	Causes     []cards.Cause `json:"causes,omitempty"`
}

// CorrectionDetail is the detail of adjust: how much of the card is whose. Claims
// then have to be changed so, and the card follows the statement.
type CorrectionDetail struct {
	Amount decimal.Decimal        `json:"amount"`
	To     attribution.WorkloadID `json:"to,omitempty"` // "" is nobody
}

// EscalationDetail is the detail of escalate; the desk says who is told.
type EscalationDetail struct {
	To Role `json:"to,omitempty"`
}

// CardRef names the card of a subject.
func CardRef(k cards.Key) Ref {
	tail := k.Payer + "/" + k.Currency + "/" + k.Week.From.Format(time.DateOnly)
	return subjectRef(KindCard, k.Subject, tail)
}

// subjectRef names what is kept of a subject of cards: under its workload, or on its
// own where there is none.
func subjectRef(k Kind, s cards.Subject, tail string) Ref {
	if s.Kind == cards.Workload {
		return Ref{Kind: k, Workload: attribution.WorkloadID(s.ID), ID: tail}
	}
	id := s.String()
	if len(id)+len(tail) >= maxID {
		id = string(s.Kind) + "/" + short(s.ID)
	}
	return Ref{Kind: k, ID: id + "/" + tail}
}

var (
	guardComplete = Guard{"complete", "rows of all of the card's days have arrived", func(r *ruling) error {
		c := r.Subject.Body.(*SpendCard)
		if !c.Card.Complete {
			return fmt.Errorf("the delivery of %s does not complete %s", date(c.Card.AsOf), c.Card.Week)
		}
		return nil
	}}
	guardHolder = Guard{"holder", "the person is the owner whom the card names, or acts on his behalf", func(r *ruling) error {
		if h := holderOf(r.Subject.Body); !r.is(h.Owner) {
			return fmt.Errorf("the card is %q's", h.Owner)
		}
		return nil
	}}
	guardNobodys = Guard{"nobodys", "the card names no owner, or one who has left", func(r *ruling) error {
		h := holderOf(r.Subject.Body)
		if h.Owner == "" {
			return nil
		}
		if p := r.Related[Ref{Kind: KindPerson, ID: string(h.Owner)}]; p != nil && p.Body.(*Person).present(r.now) {
			return fmt.Errorf("it is %q's", h.Owner)
		}
		return nil
	}}
	guardOverdue = Guard{"overdue", "the decision is overdue, and nobody has been told since it last was", func(r *ruling) error {
		_, due := overdue(&r.Subject)
		if r.now.Before(due) {
			return fmt.Errorf("it is due %s", date(due))
		}
		return nil
	}}
	guardMaterial = Guard{"material", "the new figures differ materially from those that were accepted", func(r *ruling) error {
		c, d := r.Subject.Body.(*SpendCard), r.detail.(*CardDetail)
		p := r.Policy.cards()
		if !p.Materiality.Material(c.Card.Cost, d.Card.Cost.Sub(c.Card.Cost)) {
			return fmt.Errorf("%s after %s", d.Card.Cost, c.Card.Cost)
		}
		return nil
	}}
)

// holderOf returns the holder of a card or an adjustment.
func holderOf(body any) Holder {
	switch b := body.(type) {
	case *SpendCard:
		return b.Holder
	case *Adjustment:
		return b.Holder
	case *Budget:
		return b.Holder
	}
	return Holder{}
}

// overdue returns how often a subject's present wait was escalated, and when it is
// due to be once more.
func overdue(s *Subject) (times int, due time.Time) {
	list, within := []Escalation(nil), time.Duration(0)
	switch b := s.Body.(type) {
	case *SpendCard:
		list, within = b.Escalations, b.Within
	case *Adjustment:
		list, within = b.Escalations, b.Within
	}
	for _, e := range list {
		if e.State == s.State && !e.At.Before(s.Since) {
			times++
		}
	}
	return times, s.Since.Add(time.Duration(times+1) * within)
}

// escalate completes the detail of an escalation: first whoever decides next is told,
// then the FinOps Lead.
func (r *ruling) escalate(d *EscalationDetail) {
	times, _ := overdue(&r.Subject)
	d.To = FinOpsLead
	if times == 0 && r.Subject.State != CardDisputed && holderOf(r.Subject.Body).Node != "" {
		d.To = PortfolioOwner
	}
}

// cardRows are the rows that cards and adjustments have in common.
func cardRows(k Kind, decidable ...Guard) []Transition {
	po, portfolio, lead, system := []Role{ProductOwner}, []Role{PortfolioOwner}, []Role{FinOpsLead}, []Role{Scheduler}
	from := func(s ...State) []State { return s }
	waiting := from(CardOpen, CardReturned)
	holder, nobodys := append(slices.Clone(decidable), guardHolder), append(slices.Clone(decidable), guardNobodys)
	out := slices.Concat(
		rows(k, waiting, "accept", po, CardAccepted, Transition{Guards: holder, Takes: CardAccepter}),
		rows(k, waiting, "accept", lead, CardAccepted, Transition{Guards: nobodys, Takes: CardAccepter}),
		rows(k, waiting, "dispute", po, CardDisputed, Transition{Guards: holder, Why: true, Tell: true}),
		rows(k, waiting, "dispute", lead, CardDisputed, Transition{Guards: nobodys, Why: true, Tell: true}),
		rows(k, from(CardDisputed), "uphold", lead, CardAccepted, Transition{Takes: CardAccepter, Why: true, Tell: true}),
		rows(k, from(CardDisputed), "adjust", lead, CardOpen, Transition{Why: true, Tell: true}),
		rows(k, from(CardDisputed), "return", lead, CardReturned, Transition{Why: true, Tell: true}),
		rows(k, from(CardAccepted), "return", portfolio, CardReturned, Transition{Why: true, Tell: true}),
		rows(k, from(CardAccepted), "approve", portfolio, CardApproved, Transition{Takes: CardApprover}),
		rows(k, from(CardAccepted), "approve", lead, CardApproved, Transition{Guards: []Guard{guardNobodys}, Takes: CardApprover}),
	)
	for _, s := range from(CardOpen, CardReturned, CardDisputed, CardAccepted) {
		out = append(out, rows(k, from(s), "escalate", system, s, Transition{Guards: []Guard{guardOverdue}, Tell: true})...)
	}
	return out
}

func spendCardRows() []Transition {
	k, system := KindCard, []Role{Scheduler}
	table := rows(k, []State{None}, "open", system, CardOpen, Transition{})
	table = append(table, cardRows(k, guardComplete)...)
	for _, s := range []State{CardOpen, CardReturned, CardDisputed} {
		table = append(table, rows(k, []State{s}, "refresh", system, s, Transition{})...)
	}
	for _, s := range []State{CardAccepted, CardApproved} {
		table = append(table, rows(k, []State{s}, "drift", system, s, Transition{})...)
	}
	table = append(table, rows(k, []State{CardAccepted}, "reopen", system, CardOpen, Transition{Guards: []Guard{guardMaterial}, Tell: true})...)
	return table
}

func cardRules() *kindRules {
	return &kindRules{
		rows:  spendCardRows,
		final: []State{CardApproved},
		body:  func() any { return new(SpendCard) },
		detail: func(a Action) any {
			switch a {
			case "open", "refresh", "reopen":
				return new(CardDetail)
			case "drift":
				return new(DriftDetail)
			}
			return decisionDetail(a)
		},
		needs:  holderNeeds,
		place:  func(r *ruling) string { return holderOf(r.Subject.Body).Node },
		decide: decideCard,
		apply:  applyCard,
		waits:  func(s *Subject) (Turn, bool) { c := s.Body.(*SpendCard); return cardTurn(s, &c.Holder, c.Within) },
		summary: func(s *Subject) any {
			c := s.Body.(*SpendCard)
			return CardSummary{Holder: c.Holder, Key: c.Card.Key, Cost: c.Card.Cost, Drift: c.Drift.Cost, Band: c.Card.Band, Final: c.Final, Reason: c.Reason}
		},
		shelf: func(s *Subject) string { return cardShelf(s.Body.(*SpendCard).Card.Key) },
	}
}

// CardSummary is what the registry says of a card.
type CardSummary struct {
	Holder
	cards.Key
	Cost   decimal.Decimal `json:"cost"`
	Drift  decimal.Decimal `json:"drift"`
	Band   cards.Band      `json:"band,omitempty"`
	Final  bool            `json:"final,omitempty"`
	Reason string          `json:"reason,omitempty"`
}

// cardShelf is where in the registry the cards of a payer's week are.
func cardShelf(k cards.Key) string { return k.Payer + "/" + k.Week.From.Format(time.DateOnly) }

// decisionDetail is the detail of what people do with cards and adjustments.
func decisionDetail(a Action) any {
	switch a {
	case "adjust":
		return new(CorrectionDetail)
	case "escalate":
		return new(EscalationDetail)
	}
	return nil
}

// holderNeeds has the owner looked at where it matters whether there is one.
func holderNeeds(r *ruling) []Ref {
	switch r.cmd.Action {
	case "accept", "dispute", "approve":
		if h := holderOf(r.Subject.Body); h.Owner != "" {
			return []Ref{{Kind: KindPerson, ID: string(h.Owner)}}
		}
	}
	return nil
}

// cardTurn says who decides next on a card or an adjustment.
func cardTurn(s *Subject, h *Holder, within time.Duration) (Turn, bool) {
	t := Turn{Node: h.Node, Due: s.Since.Add(within)}
	switch s.State {
	case CardOpen, CardReturned:
		t.Person, t.Role = h.Owner, ProductOwner
		if h.Owner == "" {
			t.Role = FinOpsLead
		}
	case CardDisputed:
		t.Role = FinOpsLead
	case CardAccepted:
		t.Role = PortfolioOwner
		if h.Node == "" {
			t.Role = FinOpsLead
		}
	default:
		return Turn{}, false
	}
	return t, true
}

func decideCard(r *ruling) error {
	switch d := r.detail.(type) {
	case *CardDetail:
		if got := CardRef(d.Card.Key); got != r.cmd.Subject {
			return fmt.Errorf("%w: the figures are of %s", ErrDetail, got)
		}
		if d.Card.Basis != estimate.UsageUnblended {
			return fmt.Errorf("%w: basis %q", ErrDetail, d.Card.Basis)
		}
		if !d.Card.Complete {
			return fmt.Errorf("%w: days of %s are not complete as of %s", ErrGuard, d.Card.Week, date(d.Card.AsOf))
		}
		p := r.Policy.cards()
		d.Within = p.Within
	case *DriftDetail:
		d.AsOf = d.AsOf.UTC()
	case *EscalationDetail:
		r.escalate(d)
	}
	return nil
}

func applyCard(s *Subject, e *Event, detail any) error {
	c := s.Body.(*SpendCard)
	switch d := detail.(type) {
	case *CardDetail:
		c.Holder, c.Card, c.Within = d.Holder, d.Card, d.Within
		c.Drift, c.Causes = cards.Drift{}, nil
		c.Generation, c.AsOf, c.Final = d.Card.Generation, d.Card.AsOf, d.Card.Final
	case *DriftDetail:
		c.Drift, c.Causes = d.Drift, d.Causes
		c.Generation, c.AsOf, c.Final = d.Generation, d.AsOf, d.Final
	case *CorrectionDetail:
		c.Correction = d
	case *EscalationDetail:
		c.Escalations = append(c.Escalations, Escalation{e.At, e.To, d.To})
	}
	switch e.Action {
	case "dispute", "return":
		c.Reason = e.Rationale
	case "accept", "uphold":
		c.Correction = nil
	}
	return nil
}
