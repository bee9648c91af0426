// Package spendclaim is the entrance to a library that says who owns what AI
// agents cost on AWS, exactly and inside the customer's own estate. It holds no
// code: import the packages below.
//
// # The problem
//
// Agents spend money through two kinds of billing rows. Model calls (Amazon
// Bedrock) carry the caller's principal; agent infrastructure (Amazon Bedrock
// AgentCore: runtime, memory, code interpreter, browser, gateway) carries a
// resource id and no principal. Neither names the workload, its budget owner or
// an approval. This library streams the Cost and Usage Report, attributes every
// row to the workload that claimed its anchor, and proves that the result adds up
// to the export to the last decimal.
//
// # The way through
//
//	files ─► cur: rows, groups, partial ─► attribution: assign, statement ─► ledger: books ─► cards · gaps
//
// The packages, in that order:
//
//   - [github.com/spendclaim/spendclaim/cur] reads cost reports of all
//     generations (CSV and Parquet, bare or named by a manifest) and rolls them up
//     into exact, mergeable partials. It knows columns, not owners. cur/s3source
//     reads them from a bucket.
//   - [github.com/spendclaim/spendclaim/pricing] turns usage types into
//     components, models, tiers and routing, and holds rate cards with dates,
//     statuses and sources.
//   - [github.com/spendclaim/spendclaim/estimate] turns volumes into dollars and
//     dollars into volumes, and holds estimates against actuals.
//   - [github.com/spendclaim/spendclaim/attribution] assigns groups to the claims
//     on their anchors and gives the statement with its accounting identity. It
//     needs no state.
//   - [github.com/spendclaim/spendclaim/attribution/ledger] keeps deliveries,
//     claims and statements, and says why a later statement differs.
//   - [github.com/spendclaim/spendclaim/governance] has requests approved, tasks
//     done, workloads claimed and spend accepted, each by whoever may, with every
//     step on record. governance/cards and governance/journal have the figures.
//   - [github.com/spendclaim/spendclaim/gaps] finds what spends without an owner,
//     an approval or an estimate, and keeps it until it is really closed.
//   - [github.com/spendclaim/spendclaim/storage] is the one contract for state:
//     a Store over a small Driver, with storage/boltstore (a file),
//     storage/dynamostore (a DynamoDB table) and storage/memstore (memory) as
//     drivers and storage/storagetest as the test that every driver passes;
//     storage/outbox notifies at least once.
//   - examples/quickstart is the whole way as one program: a month of bills in,
//     an owned and reconciled statement out. The other examples go on from there.
//
// # Glossary
//
// AWS's words are used for AWS's things, and FinOps words for people and process.
//
//   - Cost and Usage Report (CUR): the row-level bill that AWS exports; CUR 2.0
//     is its present generation, delivered by Data Exports.
//   - Payer: the management account that is billed. Usage account: the account
//     the usage happened in.
//   - Billing period: a calendar month, UTC.
//   - Delivery: one complete export of a billing period at one point in time. A
//     later delivery replaces the period whole.
//   - Line item: a row of the report. Line item type: what kind of row it is
//     (Usage, Tax, Credit, …), as AWS names it.
//   - Unblended, net unblended and amortised cost: as billed; after discounts;
//     with commitments spread over what they cover.
//   - Usage type: the meter a row bills. Component: that meter without region,
//     model, tier or routing.
//   - Principal: the role or user that made a model call. Session: one use of a
//     role, named by the caller.
//   - Resource id: what a row was billed for, often an ARN.
//   - Anchor: the thing a claim takes hold of: a principal, a resource, a
//     session, an application inference profile, a tag or an account.
//   - Claim: an anchor, a workload and the interval in which the one belongs to
//     the other. Workload: an application with an owner; it may run many AI
//     operations.
//   - Group: all rows that agree in every column of the key. Partial: groups and
//     control totals of some files; partials merge in any order.
//   - Outcome: what became of a row's money: claimed, shared, defaulted, spread,
//     unclaimed, unallocated, excluded or rejected.
//   - Charge kind: usage, discount, credit, refund, tax, fee, commitment or
//     other. Only usage can be unclaimed.
//   - Statement: every row's outcome for one delivery, under one set of claims
//     and rules. It is reconciled when outcomes equal the control totals that the
//     decoder kept apart from any grouping.
//   - Control totals: rows and amounts as decoded, before any predicate.
//   - Ledger, or books: statements kept. Generation: one state of a period's
//     books; restatement: a later one that changes days already reported.
//   - Request, task, handoff: what somebody wants to run, what has to be built or
//     adopted for it, and the role and resource ids that this came to.
//   - Spend card: what a workload spent in a week, for its owner to accept and the
//     portfolio's owner to approve. Drift: what the statement came to say later.
//     Adjustment: the drift of a month, to be approved in turn.
//   - Gap: spend without an owner, an approval or an estimate, with its remedy.
//   - Complete through: the last day whose rows have all arrived; later days are
//     provisional.
//
// # Promises
//
// Amounts are decimals and are added exactly; they are carried as billed and never
// recomputed. Nothing is dropped: what cannot be attributed is counted and named.
// Errors carry coordinates. No package logs, keeps changing package-level state,
// or starts a goroutine that outlives the call.
package spendclaim
