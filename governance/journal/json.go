package journal

import (
	"encoding/json"
	"fmt"
	"io"
)

// document is a journal as JSON: the lines, and the slices with their residuals for
// readers.
type document struct {
	Schema int     `json:"schema"`
	Lines  []Line  `json:"lines"`
	Slices []Slice `json:"slices"`
}

const schema = 1

// WriteJSON writes lines as one JSON object, with the slices that they add up to.
func WriteJSON(w io.Writer, lines []Line) error {
	if lines == nil {
		lines = []Line{}
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	if err := e.Encode(document{schema, lines, Slices(lines)}); err != nil {
		return fmt.Errorf("journal: write: %w", err)
	}
	return nil
}

// ReadJSON reads what WriteJSON wrote. What is not is an *Error around ErrFormat.
func ReadJSON(r io.Reader) ([]Line, error) {
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	var doc document
	fail := func(detail string) ([]Line, error) { return nil, &Error{Op: "read", Detail: detail, Err: ErrFormat} }
	if err := d.Decode(&doc); err != nil {
		return fail(err.Error())
	}
	if doc.Schema != schema {
		return fail(fmt.Sprintf("schema %d", doc.Schema))
	}
	for i := range doc.Lines {
		if l := &doc.Lines[i]; l.Digits < 0 || l.Digits > maxDigits || !plausible(l.Exact) {
			return fail(fmt.Sprintf("line %d has an absurd amount", i+1))
		}
	}
	return doc.Lines, nil
}
