package storage

import (
	"encoding/hex"
	"strconv"
)

// A Key names a record: Sort orders the records of a Partition, bytewise.
// Both are non-empty valid UTF-8 without control characters and without
// U+10FFFF, at most MaxPartition and MaxSort bytes long. Partitions that begin
// with "$" belong to this package.
type Key struct {
	Partition string
	Sort      string
}

// String returns the key for messages: both halves quoted.
func (k Key) String() string {
	return strconv.Quote(k.Partition) + "/" + strconv.Quote(k.Sort)
}

// A Stamp identifies one state of a record. The zero Stamp means that there is
// no record.
type Stamp struct {
	Version uint64   // 1 for the first write, then one more for each
	Head    [32]byte // chained hash over the record's history, computed by Store
}

// IsZero reports whether s is the stamp of a record that does not exist.
func (s Stamp) IsZero() bool { return s == Stamp{} }

// String returns the version and the first bytes of the head, or "none".
func (s Stamp) String() string {
	if s.IsZero() {
		return "none"
	}
	return "v" + strconv.FormatUint(s.Version, 10) + "@" + hex.EncodeToString(s.Head[:4])
}

// A Record is what the store holds under a key. As an element of a log it is
// one entry: Stamp is the write it belongs to and Data the entry's bytes.
type Record struct {
	Key    Key
	Stamp  Stamp
	Kind   string
	Schema uint16
	Data   []byte
}

// A Put writes a record. The zero Prev creates it and fails when it exists;
// any other Prev replaces exactly that state. Kind is required. A nil Entry
// means none; whether a record has entries is a matter of its kind, see the
// package comment.
type Put struct {
	Key    Key
	Prev   Stamp
	Kind   string
	Schema uint16
	Data   []byte
	Entry  []byte
}

// A Delete removes an unaudited record in the state Prev.
type Delete struct {
	Key  Key
	Prev Stamp
}

// A Check demands that a record is in the state Stamp when the batch commits;
// the zero Stamp demands that it does not exist. Nothing is written.
type Check struct {
	Key   Key
	Stamp Stamp
}

// A Batch is what one commit does: all of it or nothing. No key may appear
// twice in it.
type Batch struct {
	Puts    []Put
	Deletes []Delete
	Checks  []Check
}

// A Span is a stretch of one partition: sort keys in [From, To), where ""
// leaves a side open. Reverse starts at the end. Limit bounds the number of
// records, 0 means all.
type Span struct {
	Partition string
	From, To  string
	Reverse   bool
	Limit     int
}

// Prefix returns the span of all records of a partition whose sort key begins
// with prefix.
func Prefix(partition, prefix string) Span {
	// No key holds U+10FFFF, so nothing that begins with prefix sorts after it.
	return Span{Partition: partition, From: prefix, To: prefix + string(lastRune)}
}

// A Request names the caller's command, so that repeating it is harmless. ID
// follows the rules of a sort key and is unique for good. Digest is a digest of
// the command, not of the batch it leads to: a command decided again may lead
// to another batch and still is the same command. The zero Request names
// nothing and leaves no receipt.
type Request struct {
	ID     string
	Digest [32]byte
}

// A Receipt says what a commit wrote: the keys of the puts in the order of the
// batch, and the stamp each record got. Replayed is true when the command had
// been committed before and this call wrote nothing.
type Receipt struct {
	Replayed bool
	Keys     []Key
	Stamps   []Stamp
}

// Stamp returns the stamp that the commit gave to the record k, and the zero
// Stamp when the commit did not write it.
func (r Receipt) Stamp(k Key) Stamp {
	for i, key := range r.Keys {
		if key == k {
			return r.Stamps[i]
		}
	}
	return Stamp{}
}
