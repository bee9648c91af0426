// Package governance decides who may do what to whom AI spend belongs: from a
// business request to a workload with an owner, and on to the cards by which every
// dollar is accepted by somebody.
//
// # Terminology
//
// A subject is something that is decided on: a business request, a task, a claim, a
// workload, a card, a person of the directory. It has a [Kind] and is in one [State]. A [Command]
// asks for an [Action] on one subject; what becomes of it is an [Event]. The
// transition table ([Table]) says which action a [Role] may take in which state, where
// that leads, and under which guards. A [Desk] carries commands out.
//
// People act in a [Capacity]: a role of their own, one that somebody delegated to them,
// or one they took by breaking the glass. A [Part] is what a person did in a
// decision: requested, approved, implemented.
//
// # Guarantees
//
// [Decide] and [Apply] are pure functions. A subject's state and the event that made
// it are committed together, with everything that follows from the event, the lists
// the subject is on and the messages about it; so the version of a subject is the
// length of its history, and [Replay] of its history is its state.
//
// The same command given again, by its id, changes nothing. Of several commands that
// would decide one thing, one wins; the others get a *[ConflictError] with the present
// state, or a *[TransitionError] that names it.
//
// Parts that are kept apart ([Separated]) are taken by different people in one
// subject: whatever roles they have by now, and on whoever's behalf they act. No
// emergency changes that.
//
// # Spend cards
//
// After each booking [Desk.SyncCards] has the cards of the month follow the statement:
// it opens those whose days are complete, for the workload's owner or, of what nobody
// owns, for the FinOps Lead. Owners accept or dispute, [Desk.ApproveRollUp] approves a
// portfolio's week, [Desk.EscalateCards] tells of what is overdue, [Desk.CloseMonth]
// closes the books and [Desk.Journal] writes what Finance posts. From acceptance on a
// card's figures are pinned: the statement's changes are recorded beside them as drift,
// and one adjustment for each workload and month takes what matters of it. All cards
// of a month are the usage of its statement exactly; approved cards, adjustments and
// recorded drift are its final figures. Budgets are told of where their months are
// spent; see [KindCard], [KindAdjustment], [KindRollUp], [KindClose], [KindBudget] and
// package governance/cards for the figures.
//
// # Adding a kind
//
// A kind is a value of kindRules in a file of its own, named in rulesOf and Kinds:
//
//   - Body and details are structs that encoding/json keeps whole: times in UTC,
//     money as decimal.Decimal, no maps with changing meaning. The body is the state;
//     a detail is what one action needs to know, exported so that callers can fill it.
//   - Rows come from a function and are built with the function rows. Each (state,
//     action, role) leads to one state; where an action can lead to two, it is two
//     actions, or first guards tell the rows apart that exclude each other. A row that has Takes
//     is refused to whoever holds a separated part of the subject; nothing else is
//     needed for separation of duties. Rows with the role [Consequence] are reached
//     only by ruling.follow, those with [Scheduler] by time and configuration.
//   - Guards are variables: a name, a sentence for the documentation, a check that
//     reads the ruling (Subject, detail, Related, now, as). needs names the subjects
//     that guards and decide look at; they are loaded into Related, and the commit
//     depends on them. place says where in the hierarchy the subject is.
//   - decide checks the detail beyond the guards, completes it (what it leaves in
//     ruling.detail is what the event says), and calls follow for what must happen
//     to other subjects in the same commit, each at most once. All commands of one
//     commit share 100 items of the store: a subject costs two, a list entry one or
//     two, a message two, a subject that is only read one.
//   - apply changes the body by an event, and reads nothing else.
//   - waits and summary put the subject on the queue of who must act next and into the
//     registry of its kind.
//
// States, actions and details of a kind are documented at its Kind constant. The
// exhaustive test, the search over the table and TRANSITIONS.md cover a new kind
// without more; record the latter with go test ./governance -run Transitions -update.
//
// # Non-guarantees
//
// The desk believes Command.Actor: authentication is the caller's. Nothing here touches
// infrastructure; blocking something is a recorded decision and a task.
//
// A Desk is safe for concurrent use. Nothing here logs or starts a goroutine.
package governance
