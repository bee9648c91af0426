// Package storage keeps the state of the module: books, claims, approvals,
// worklists. It is one contract over several engines: an embedded file
// ([boltstore]), a DynamoDB table ([dynamostore]), memory ([memstore]), or any
// engine whose driver passes the suite in [storagetest].
//
// # Terminology
//
//   - A record is a named body of bytes. Its [Key] is a partition and a sort
//     key; the records of one partition can be listed in order, no other order
//     exists and there is no secondary index.
//   - A [Stamp] says which state of a record was seen: a version that counts
//     its writes from 1, and a head, a hash over its whole history.
//   - A kind says what a record is and a schema which encoding its data has.
//     Both are kept with the record and mean nothing to this package.
//   - An entry is a line of a record's history, written with the record and
//     never again. Together the entries of a record are its log.
//   - A [Batch] is a set of puts, deletes and checks that happens as a whole or
//     not at all. A [Request] names the command behind it, a [Receipt] is what
//     the command left behind.
//   - A [Part] is a body too large for one record, cut into chunks.
//
// # Audited records
//
// Records are audited or not by their kind. A package that defines a kind
// documents which of the two it is, and the first [Put] of a record shows it:
// with an Entry the record is audited, without one it is not. From then on the
// store holds the record to it. An audited record has an entry for every
// version and an unaudited one has none; an audited record cannot be deleted;
// and a record keeps its kind for life. [Options].Audited, where set, states
// the rule for kinds as a whole, and then the first Put is held to it as well.
//
// # Guarantees
//
//   - Every write names the stamp it saw (the zero Stamp: "there is none yet").
//     Of two writers who saw the same stamp at most one wins; the other gets a
//     [*ConflictError]. There is no blind write.
//   - A batch is all or nothing, also across a crash. A commit that returned
//     nil is durable, as far as the driver persists anything at all.
//   - Reads by key are strongly consistent. A range is not a snapshot: each of
//     its records is a committed one, none comes twice, and writes made while
//     the range runs may or may not be seen.
//   - A commit that carries a Request happens once. A repetition returns the
//     receipt of the first, even after a restart; receipts are kept for good.
//   - Entry n of an audited record belongs to its version n, so the log has no
//     gaps, and heads chain: a changed, lost or forged entry is noticed by
//     [Store.Log].
//   - Damage is an error matching [ErrCorrupt]; data that fails its checksum is
//     never returned and cannot be overwritten through the store.
//   - The limits of the strictest engine ([MaxItems] and the others) hold on
//     every driver and are checked before a driver sees the batch.
//
// # Moving and checking a store
//
// [Store.Export] and [Store.Import] carry everything from one driver to another,
// histories included; [Store.Verify] checks all of it, against an earlier
// [Checkpoint] if there is one; [Store.Sweep] removes parts that were replaced;
// [Store.Reindex] rebuilds lists. The first three read everything twice over and are
// for a store that nobody writes to meanwhile, which they notice.
//
// # Caveats
//
// The version of a record that is deleted and created again restarts at 1, so
// a record that may be deleted must not guard anything. The closure given to
// [Store.Update] may run several times. Bodies given to the store are copied,
// bodies it returns belong to the caller.
//
// [boltstore]: https://pkg.go.dev/github.com/spendclaim/spendclaim/storage/boltstore
// [dynamostore]: https://pkg.go.dev/github.com/spendclaim/spendclaim/storage/dynamostore
// [memstore]: https://pkg.go.dev/github.com/spendclaim/spendclaim/storage/memstore
// [storagetest]: https://pkg.go.dev/github.com/spendclaim/spendclaim/storage/storagetest
package storage
