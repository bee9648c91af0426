// Package colscan reads and writes the columns of Parquet files. It is the
// only package of the module that knows the format.
//
// # Terminology
//
// A column is a top-level field of the file's schema: what a table would call
// a column, also when it is a map. Each column is stored as one leaf or, for
// maps and structures, as several. A leaf's share of a row group is a chunk,
// and a chunk is a run of pages, perhaps with a dictionary page in front.
// Columns are known by their index, because names repeat in real exports.
//
// # Reading
//
// [Rows] walks a file row by row. Each leaf has its own reader, opened when a
// value of the column is first asked for and advanced only then, so columns
// that nobody asks for are neither read nor decoded. Pages are decoded as a
// stream: what is held per leaf is one page, one dictionary and a read buffer,
// however many rows the file has.
//
// [Scanner] walks a row group column by column, for callers that need few rows or
// many alike: it answers for a block of rows at once, by dictionary entry, and
// passes pages in which no asked row lies. Both decode the same streams and agree
// on every value.
//
// Cost reports written by AWS carry no statistics, no page index and no
// dictionary offsets, and the Parquet library that writes files here trusts
// such fields, panics on many corruptions and sizes allocations by counts found
// in the file. Therefore the reader is this package's own: it walks page
// headers in sequence, counts nulls from the levels, checks each dictionary
// index, and believes a size only as far as the bytes present can justify it.
//
// # Guarantees
//
//   - Damaged input ends in an error matching [ErrFormat], with the column, row
//     group and page where they are known. It ends neither in a panic nor in an
//     allocation out of proportion to the file; see maxExpansion for the bound.
//   - The number of rows that the footer promises is compared with what each
//     column asked for really delivers; a Scanner cannot do so for maps.
//   - The same rows written with the same options give the same bytes.
//
// # Limits
//
// Without page checksums, which AWS does not write, a changed byte inside a
// value is not noticed. Encrypted files and the codecs LZO, Brotli and LZ4 are
// refused. Lists and deeper nesting are listed as columns but have no values
// here.
package colscan

import (
	"errors"
	"fmt"
	"strings"
)

// ErrFormat is matched by every error that says the bytes are not a Parquet
// file, or are a damaged one, or use an encoding that is not supported.
var ErrFormat = errors.New("malformed Parquet")

// ErrKind is matched by errors that say a column exists but has no values of
// the form asked for.
var ErrKind = errors.New("column has no such values")

// Kind says what the values of a column are.
type Kind uint8

// The kinds. String to Bool and Decimal have one value to a row; Map and
// DoubleMap have pairs; a structure of plain fields reads as a Map from field
// name to value. Other columns have no values here.
const (
	Other Kind = iota
	String
	Double
	Int64
	Timestamp
	Bool
	Map
	DoubleMap
	Decimal
)

var kindNames = [...]string{"other", "string", "double", "int64", "timestamp", "bool", "map", "double map", "decimal"}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// A Column describes one top-level column.
type Column struct {
	Name     string
	Kind     Kind
	Optional bool // may be null
}

// A Pair is one entry of a map.
type Pair struct{ Key, Value string }

// An Error says where in a file reading failed.
type Error struct {
	Column   string // name as spelled in the file; blank when no column is meant
	Index    int    // index of the column, -1 when no column is meant
	RowGroup int    // 0-based
	Page     int    // 0-based data page of the chunk, -1 when none was reached
	Err      error
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("colscan: read")
	if e.Index >= 0 {
		fmt.Fprintf(&b, " column %q", e.Column)
	}
	fmt.Fprintf(&b, ", row group %d", e.RowGroup)
	if e.Page >= 0 {
		fmt.Fprintf(&b, ", page %d", e.Page)
	}
	b.WriteString(": ")
	b.WriteString(e.Err.Error())
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// corrupt returns an error matching ErrFormat.
func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrFormat, fmt.Sprintf(format, args...))
}

// valueError says that a value was read and makes no sense, while its
// neighbours may. It matches ErrFormat.
type valueError string

func (e valueError) Error() string        { return string(e) }
func (e valueError) Is(target error) bool { return target == ErrFormat }

func badValue(format string, args ...any) error { return valueError(fmt.Sprintf(format, args...)) }
