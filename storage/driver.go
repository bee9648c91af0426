package storage

import "context"

// A Driver is an engine under a Store. It is implemented, never called, by
// users of this package; [New] makes it usable. A driver is safe for
// concurrent use. It sees keys, stamps in the clear and opaque bodies: it
// compares and keeps stamps, and never opens a body. It may trust that what it
// is given is well formed and within the limits.
//
// Memory: a driver keeps nothing of what it is given after the call returns
// (it copies), and nothing of what it returns (the caller may change it).
//
// Errors match the sentinels of this package: ErrClosed after Close,
// ErrUnavailable when the call may be repeated and nothing was written,
// ErrUnknownOutcome when a commit may or may not have been written,
// ErrReadOnly, ErrCorrupt. A context that is done when a call begins returns
// its error and changes nothing.
type Driver interface {
	// Get returns the record k in its latest committed state, ErrNotFound when
	// there is none.
	Get(ctx context.Context, k Key) (Item, error)

	// Page returns some of what q selects, in order, following the cursor after
	// ("" for the beginning). next is the cursor for the following page, "" at
	// the end; its form is the driver's affair, it stays valid across restarts.
	// A page may be short, even empty, while next is not "". Concatenated, the
	// pages hold every item that was there all the time exactly once. No lock
	// or transaction outlives the call.
	Page(ctx context.Context, q Query, after string) (items []Item, next string, err error)

	// Commit applies the batch: all of it, durably, or nothing. Every write,
	// delete and check is conditional on its stamp, version and head; the first
	// that fails, in the order writes, deletes, checks, is reported as a
	// *ConflictError with the stamp found. A write with an Entry creates the
	// entry (Key, Next.Version) in the same step; an entry that is already
	// there is never replaced: that is an ErrCorrupt. A batch of checks alone
	// works on a read-only driver.
	Commit(ctx context.Context, b *WriteBatch) error

	// Scan returns everything there is, records and entries of all partitions,
	// in the driver's own order, page by page as Page does.
	Scan(ctx context.Context, cursor string) (items []Item, next string, err error)

	// Close waits for calls under way and releases everything. Calls after it
	// fail with ErrClosed; closing twice is harmless.
	Close() error
}

// A Restorer is a driver that can take over the items of another, as Scan
// returned them, stamps included.
type Restorer interface {
	// Restore creates the items, all or none of one call. An item that is there
	// with the same stamp and body is left alone, so that an interrupted
	// restore can be repeated; one that differs is a *ConflictError.
	Restore(ctx context.Context, items []Item) error
}

// A Write is a put as drivers see it. Prev is to be compared, Next to be
// stored beside Record, the sealed body. Entry is nil or the sealed entry to be
// kept under (Key, Next.Version) with the same stamp.
type Write struct {
	Key        Key
	Prev, Next Stamp
	Record     []byte
	Entry      []byte
}

// A WriteBatch is a batch as drivers see it. Its keys are distinct.
type WriteBatch struct {
	Writes  []Write
	Deletes []Delete
	Checks  []Check
}

// An Item is a stored record, or an entry of the record Key, with the sealed
// body.
type Item struct {
	Key   Key
	Stamp Stamp
	Entry bool
	Body  []byte
}

// A Query selects what Page returns: the records of the span, or, with Log set,
// the entries of the record {Partition, Log} with a version of at least Since,
// ascending, and then From, To and Reverse are unused. A driver returns at most
// Limit items where Limit is not 0, and is free to return fewer.
type Query struct {
	Span
	Log   string
	Since uint64
}
