// Package cards works out what spend cards say: who spent what in which week, what
// was expected of those days, and what has become of it since somebody approved.
//
// It has the figures and none of the people. Package governance keeps the cards,
// decides who may accept, dispute and approve them, and calls this package for the
// money on them. Everything here is a pure function of totals that the ledger keeps.
//
// # Terminology
//
//   - A [Subject] is who a card is for: a workload, or the FinOps Lead for what
//     nobody owns in an account or a portfolio.
//   - A [Card] is the usage of one subject in one week in one currency. Weeks are
//     clipped to the month, so that each day of a month is on one card.
//   - A [Month] is all there is of one subject in one month: its cards, and beside
//     them the money that has no day (tax, credits, discounts, fees and what is
//     spread), which is on the month close.
//   - A card is pinned when it is approved: its figures stay. What the statement says
//     later about the same week differs from them by a [Drift]; an [Adjustment] takes
//     the drift of one subject and month to be approved in turn.
//
// # Guarantees
//
// Everything that [Book.Months] yields adds up to the statement, in rows and to the
// last decimal: cards to its usage in scope, the rest to the rest. Usage of days
// outside of the month, which foreign rows have, is on the nearest week's card and
// stated there.
//
// Approved + adjusted + drifting + not yet approved + month-level money + outside of
// the scope is the statement's total; [Close.Check] says whether it is. No roll-up is
// silently short: what is not agreed is an [Exception] with its name and amount.
//
// Expectations are of real days, not of a month of thirty. What the weeks of a month
// are expected to cost adds up to what the month is: weeks are cut at rounded sums
// from the month's start. Bands are decided before rounding.
//
// A card has one stated basis, estimate.UsageUnblended, and one currency; estimates
// of another are not held against it, and the card says so.
//
// # Non-guarantees
//
// Money that was shared carries no invoice: cards with such money are final when
// their statement is, not earlier. Totals of generations older than the ledger's
// accounts have their unowned usage under a blank account.
//
// Memory is a function of how many accounts, kinds of money and workloads with
// month-level money there are, and of the components of one workload; not of
// workloads, days or rows.
package cards
