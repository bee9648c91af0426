package cur

import (
	"errors"
	"fmt"
)

// What callers branch on. Errors of this package wrap one of these where one
// fits; errors.Is finds it.
var (
	// ErrFormat marks a file that is not a cost and usage report, or is one
	// that is damaged.
	ErrFormat = errors.New("not a readable cost and usage report")
	// ErrMissingColumn marks a report without a column nothing can be done
	// without.
	ErrMissingColumn = errors.New("missing column")
	// ErrTruncated marks a file that ends before its content does.
	ErrTruncated = errors.New("file ends too early")
	// ErrMixed marks files given together that are not one export.
	ErrMixed = errors.New("different exports")
	// ErrDuplicate marks a file, or a part of a month, that was given twice.
	ErrDuplicate = errors.New("given twice")
	// ErrManifest marks a manifest that cannot be followed.
	ErrManifest = errors.New("unusable manifest")
	// ErrCardinality marks a rollup that would hold more groups than
	// Rollup.MaxGroups allows.
	ErrCardinality = errors.New("too many groups")
	// ErrMismatch marks partials that cannot be merged: they were made with
	// different specs.
	ErrMismatch = errors.New("partials of different specs")
	// ErrSource marks an error of a source, which says nothing about the file.
	// Sources mark theirs with it, so that nothing is read again on account of it.
	ErrSource = errors.New("source failed")
	// ErrChanged marks a file that is not the one located: it was replaced
	// between the two, or while it was read.
	ErrChanged = errors.New("file was replaced")
	// ErrPartial marks bytes that are not the body of a partial.
	ErrPartial = errors.New("malformed partial")
)

// RowError says where in a file something could not be read.
type RowError struct {
	Source string // the file
	Row    int64  // 1 is the first row after the header; 0 when no row is meant
	Column string // as spelled in the header; "" when the whole row is meant
	Value  string // the cell, cut to 80 bytes
	Err    error
}

func (e *RowError) Error() string {
	s := fmt.Sprintf("cur: read %q: row %d", e.Source, e.Row)
	if e.Column != "" {
		s += fmt.Sprintf(", column %q, value %q", e.Column, e.Value)
	}
	return s + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *RowError) Unwrap() error { return e.Err }

// cut shortens a cell for an error text.
func cut(s string) string {
	if len(s) > 80 {
		return s[:77] + "..."
	}
	return s
}
