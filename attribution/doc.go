// Package attribution says who owns the rows of a bill.
//
// It takes what package cur rolled up, and claims, and gives a [Statement]: every
// row's outcome, exact totals per workload, what nobody owns and why, and the
// proof that it all adds up to the export. It needs no state, and reads files only
// in [RollUp].
//
// # Terminology
//
// An [Anchor] is a thing on a billing row that somebody can own: a role or user,
// a resource, a component session, an application inference profile, a tag or an
// account. A [Claim] binds one anchor to a [Target] for a half-open interval of
// time: to one workload ([Whole]), or to several that split it ([Share]). Two
// spellings of one thing (a role with and without its path, a role and its
// assumed-role ARN, a documented ARN and its alias) are one canonical anchor.
//
// A [Product] of the [Scope] names the rows that are AI spend and the chain that
// finds their owner. A chain is a list of links, each a [Resolver]: it offers
// anchors of a row, most telling first. The first link with a claim in force
// wins; claims that later links find are overridden, and kept as such.
//
// A [SpreadRule] gives money that no anchor leads to, such as tax, to an owner. A
// [NearMiss] is a claim that almost was on a row, with the reason why it was not.
//
// An [Outcome] is what became of a row's money, a [ChargeKind] what kind of money
// it is. The two are independent but for this: only usage can be unclaimed, and
// only usage is caught by a tag or an account default.
//
// # Guarantees
//
// Assignment is a pure function of the group's key, so assigning groups gives what
// assigning rows would. Exactly one claim wins, whatever the order of claims. A
// tie is nobody's, with both claims named, and the statement stands.
//
// A claim counts for a bucket of time when it is in force at the bucket's start:
// a boundary inside a bucket takes effect at the next one.
//
// Money is assigned first and split afterwards: once for each claim, component,
// unit, line item type, currency, metric and bucket, by largest remainder at the
// scale of the total and at least ten decimals, ties by workload id. Rows are
// split like money, in whole ones. So parts depend neither on the order of files
// nor on how fine the groups are, and they add up to what was split. What a share
// is split by is never shared or spread money itself: there is no share of a
// share.
//
// [Statement.Reconciled] is computed and never assumed: outcomes are summed from
// groups and compared with totals that the decoder kept apart from any grouping,
// in rows and in every metric, to the last decimal.
//
// # Sessions
//
// Groups hold principals without their sessions, which are many and often e-mail
// addresses. A claim on the session of a role, or a share by session, is cut out
// of the groups of the role by their session grain: a second rollup of the rows of
// those roles alone, see [RollUp]. It competes with the chain's other claims as
// the closest anchor of the principal. What no such claim takes stays where the
// group is: with the role's claim, or with nobody. Groups and their sessions are
// checked to add up. Statements name roles and never sessions.
//
// # Non-guarantees
//
// Rows are not claimed one by one: two rows with one key share one owner, but for
// the sessions of a role. A bare session anchor may be a session of any role or a
// component session: where sessions of roles are not kept, it is the latter, and a
// note says so.
//
// An [Index] and a [Statement] are immutable and may be shared. Nothing here logs
// or starts a goroutine.
package attribution
