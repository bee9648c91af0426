// Package ledger keeps the books: for each payer and billing period the rolled
// up delivery, the claims it was attributed under, and the statement.
//
// # Terminology
//
// A book is the state of one (payer, billing period). It is a sequence of
// generations; each holds, as named parts, the stored groups of one delivery,
// the claims used, the totals stated and the difference to the generation
// before. The head of a book names its newest generation.
//
// # Guarantees
//
// A generation is written part by part and becomes visible in one step, when
// the head is turned to it. A process that dies in between leaves the book as it
// was, and the next attempt takes up the parts already written. A generation
// never changes; the log of the head holds all of them, hash-chained by package
// storage. Of two writers who start from one generation, one wins.
//
// A statement is a function of stored groups, claims and rules. Where none of
// the three changed, nothing is written. New claims are applied to the stored
// groups and open no cost file; claims on something the groups do not hold are
// attribution.ErrNotStored.
//
// The terms of a generation's difference add up, per currency, to its totals
// minus those of the generation before, to the last decimal. [Ledger.Corrections]
// says the difference between any two generations in FOCUS's terms, as exactly.
//
// Where claims take hold of sessions of roles, the session grain of the groups is
// kept with the generation, as a part of its own ("sessions"), and serves later
// claims. With a session key in the rules, session names are hashed before anything
// is stored, those in claims too: whoever opens the books without the key reads
// what was stated, and cannot make the statements again.
//
// # Deliveries
//
// A delivery replaces its period whole, also by less. It is identified by export
// and execution: the same execution under another as-of time is the delivery
// that is booked already, and one that an earlier generation held does not come
// back, whatever time it is given. A delivery written before the booked one is
// ErrOlder, also where it supersedes: no book goes back in time, so that days
// that were complete stay complete. A delivery of another export is ErrExport
// unless it is said to supersede the first: two exports of a payer hold the same
// money twice.
//
// # Statements that do not reconcile
//
// They are not bookable without an override, which stays on record with what it
// was given for. An override for a statement that reconciles is dropped. It
// carries over to later claims on the same delivery for as long as exactly the
// same things fail to reconcile; anything else is ErrNotReconciled again, and a
// new delivery always needs a word of its own.
//
// # Storage
//
// Heads ("ledger.book") and the current claims ("ledger.claims") are audited
// kinds, chunks of parts ("ledger.part") are not. Parts are named by their
// content and shared by the generations of a book, so claims edited a hundred
// times store the groups once. A swept part leaves a tombstone
// ("ledger.tombstone", not audited), so that nothing comes to name it again.
//
// # Caveats
//
// Generations are removed only by [Ledger.Sweep], and parts of attempts that were
// given up are not. A booking holds the groups of a book in memory, those of the
// generation before as well. Names and owners of workloads are those of the claims
// at the time of booking: they move no money, so changing them alone writes no
// generation.
package ledger
