// Package gaps finds AI spend that has no owner, no approval or no estimate, says
// what to do about it, and remembers it until it is really closed.
//
// # Terminology
//
// A Spend is usage of a statement with one anchor, component and assignment, by day.
// A [Detector] looks at the spends of a [View] and reports findings; findings of one
// subject are a [Gap]. A gap has a [Kind], which names its [Remedy], and [Evidence]:
// where, since when, how much, why, and the query that returns its rows. A
// [Candidate] is a workload that could own it. A [Report] is the gaps of one
// statement; a [Book] keeps gaps in storage over many statements and months.
//
// [Approval], [Directory], [Estimates] and [Remedies] are what the package needs from
// whoever keeps approvals, people and estimates. Their methods use types of package
// attribution, package cur and the standard library alone, so any system can satisfy
// them without importing this package.
//
// # Guarantees
//
// Only usage counts, at unblended cost, in AI products. What only an account default
// catches is unclaimed. Money is exact and stays in the currency of its statement.
//
// Detection is a pure function of the statement, the claims it was made under,
// approvals, directory, estimates, supplied session starts and the clock. Its result
// is in a fixed order and does not depend on the order of any of them.
//
// A gap is the same gap for as long as its kind and its subject are: see [Subject] for
// what identifies it. Amounts, dates, reasons, claims, candidates and the generation
// of the statement take no part, so neither next week nor a restated month makes a new
// gap of an old one.
//
// Gaps of different kinds may hold the same rows: a runtime can be unclaimed and never
// approved. Each gap therefore also states what is counted for it alone: every row
// counts once, for the kind that comes first in the order of [Kinds]. Only that can be
// added up across kinds.
//
// Nothing is decided here. A candidate is offered and never booked, and doing what a
// gap's remedy says does not close it: it is closed by the next statement that does
// not show it.
//
// # Books
//
// A [Book] holds, for each gap, what the newest statement of each billing period shows
// of it. A gap is open while any period shows it, and its spend is the sum over those
// periods, so neither depends on the order in which statements arrive: an older one of
// a period is passed over. Money that nobody owned in April stays a gap in May, until
// it is claimed from then on or somebody suppresses it.
//
// Each change of a gap is one audited record with its event, and what is to be sent
// about it lies in an outbox by the same update. Of two who change a gap at a time one
// gets storage.ErrConflict. A gap is actioned when its remedy was asked for, resolved
// when no statement shows it any more, and recalled when it comes back or the action is
// withdrawn.
//
// Who is told first is the first of: the workload's owner, or that of the best
// candidate past the bar; the account's owner; the FinOps Lead. When nothing is done in
// time the next of them is, by [Book.Escalate], which somebody has to call.
//
// # Non-guarantees
//
// What was not handed in is not judged: without approvals there are no gaps of
// approval, which is not the same as everything being approved; [Report.Silent] lists
// such kinds. A candidate's score orders candidates and is no probability. The query is
// for CUR 2.0 in Athena; rows that only a tag or a session of a role tells apart it
// returns together. Roles are called broad by their names alone: nothing is known here
// of policies. Limits are in the currency of the statement they are held against.
//
// Nothing here logs or starts a goroutine. A Report is the caller's; a Book is safe
// for concurrent use as far as its store is.
package gaps
