// Package ledger keeps the books: for each payer and billing period the rolled
// up delivery, the claims it was attributed under, and the statement.
//
// # Terminology
//
// A book is the state of one (payer, billing period). It is a sequence of
// generations; each holds, as named parts, the stored groups of one delivery,
// the claims used, the statement and its difference to the generation before.
// The head of a book names its newest generation.
//
// # Guarantees
//
// A generation is written part by part and becomes visible in one step, when
// the head is turned to it. A process that dies in between leaves the book as it
// was, and the next attempt takes up the parts already written. A generation
// never changes; the log of the head holds all of them, hash-chained by package
// storage.
//
// A statement is a function of stored groups, claims and rules. Where none of
// the three changed, nothing is written. New claims are applied to the stored
// groups and open no cost file; claims on something the groups do not hold are
// attribution.ErrNotStored.
//
// A delivery replaces its period whole. One written before the booked one is
// ErrOlder, one of another export ErrExport unless it is said to supersede the
// first: two exports of a payer hold the same money twice. A statement that does
// not reconcile is not bookable without an override that stays on record.
//
// # Caveats
//
// Generations are not removed. Every book is held in memory while it is open,
// with its groups.
package ledger
