package storage

import (
	"errors"
	"fmt"
	"strings"
)

// What callers branch on. Errors of this package and of drivers match one of
// these, or the context's error, through errors.Is; anything else is a failure
// of the engine below (a full disk, say) that left nothing written.
var (
	// ErrNotFound: there is no such record or receipt.
	ErrNotFound = errors.New("not found")
	// ErrConflict: a record is not in the state that the batch names. Nothing
	// was written. Always carried by a *ConflictError.
	ErrConflict = errors.New("conflict")
	// ErrTooLarge: a limit is exceeded. Nothing was written.
	ErrTooLarge = errors.New("too large")
	// ErrInvalidKey: a key, a span's bound or a request's id breaks the rules
	// stated at Key. Nothing was written.
	ErrInvalidKey = errors.New("invalid key")
	// ErrInvalidBatch: the batch is not well formed, whatever the state of the
	// store: a key twice, no kind, a stamp that cannot exist. Nothing was written.
	ErrInvalidBatch = errors.New("invalid batch")
	// ErrAudited: the batch would leave an audited record without an entry,
	// delete it, or otherwise break the rule of its kind. Nothing was written.
	ErrAudited = errors.New("audit rule broken")
	// ErrReplayMismatch: the request's id was used for another command.
	ErrReplayMismatch = errors.New("request id was used for another command")
	// ErrUnavailable: the engine is busy, throttled or locked; nothing was
	// written and the same call may succeed later.
	ErrUnavailable = errors.New("unavailable")
	// ErrUnknownOutcome: the batch may or may not have been written. Repeating
	// the call with the same Request is safe and tells.
	ErrUnknownOutcome = errors.New("outcome unknown")
	// ErrClosed: the store was closed.
	ErrClosed = errors.New("closed")
	// ErrReadOnly: the store was opened for reading.
	ErrReadOnly = errors.New("read-only")
	// ErrCorrupt: stored bytes are damaged. Always carried by a *CorruptError.
	ErrCorrupt = errors.New("corrupt")
	// ErrNewer: the data was written by a newer release in a format that this
	// one does not know. It is not damaged; use the newer release.
	ErrNewer = errors.New("written by a newer release")
	// ErrGone: chunks of a part are no longer there, or never all were.
	ErrGone = errors.New("part is gone")
)

// A ConflictError names the first item of a batch, in the order puts, deletes,
// checks, whose record was not in the expected state. It matches ErrConflict.
type ConflictError struct {
	Key  Key
	Want Stamp // what the batch named; zero: no record
	Got  Stamp // what is stored; zero: no record
}

// Error states the key, the expected and the found stamp.
func (e *ConflictError) Error() string {
	return fmt.Sprintf("conflict: %s is at %s, expected %s", e.Key, e.Got, e.Want)
}

// Unwrap returns ErrConflict.
func (e *ConflictError) Unwrap() error { return ErrConflict }

// A CorruptError says what is damaged and what can be done about it. It matches
// ErrCorrupt.
type CorruptError struct {
	Path    string // the file, where the damage is known to be in one
	Key     Key    // the record, where one is known
	Version uint64 // with Entry: which entry of the record
	Entry   bool   // the damage is in the record's log
	Reason  string
	Remedy  string
	Err     error // the cause reported by the engine, or nil
}

// Error states the place, the reason, the cause and the remedy.
func (e *CorruptError) Error() string {
	var b strings.Builder
	b.WriteString("corrupt")
	if e.Path != "" {
		fmt.Fprintf(&b, " file %q", e.Path)
	}
	if e.Key != (Key{}) {
		if e.Entry {
			fmt.Fprintf(&b, " entry %d of", e.Version)
		}
		fmt.Fprintf(&b, " record %s", e.Key)
	}
	b.WriteString(": " + e.Reason)
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	if e.Remedy != "" {
		b.WriteString(" (" + e.Remedy + ")")
	}
	return b.String()
}

// Unwrap returns ErrCorrupt and the cause.
func (e *CorruptError) Unwrap() []error {
	if e.Err == nil {
		return []error{ErrCorrupt}
	}
	return []error{ErrCorrupt, e.Err}
}
