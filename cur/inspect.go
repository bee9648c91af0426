package cur

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Inspection says what an export delivers of what attribution needs. It is about
// columns and settings, not about amounts.
type Inspection struct {
	// Source is the file, and Export the name of the export in it, where it has one.
	Source string `json:"source"`
	Export string `json:"export,omitempty"`
	// Of says what was inspected.
	Of Origin `json:"of"`
	// Format is the family of the columns; that of a definition which lists none is
	// what it exports from.
	Format Format `json:"format"`
	// Columns is how many columns the export has, 0 where that cannot be told.
	Columns int `json:"columns"`
	// Grain is how long the export's rows are: HOURLY, DAILY or MONTHLY; "" where
	// that cannot be told.
	Grain string `json:"grain,omitempty"`
	// Checks are all that was looked for, what is needed most first.
	Checks []Check `json:"checks"`
}

// Origin is the kind of thing that was inspected.
type Origin string

// The origins. A header and a manifest know columns; a definition knows settings
// too. Rows, where a file was read, show the grain.
const (
	OfHeader     Origin = "header"
	OfFile       Origin = "file"
	OfManifest   Origin = "manifest"
	OfDefinition Origin = "definition"
)

// Check is one thing that attribution needs of an export.
type Check struct {
	Code   string `json:"code"`   // stable: caller_identity, resource_ids, ...
	Need   Need   `json:"need"`   // what it is needed for
	State  Status `json:"state"`  // whether it is there
	Column Column `json:"column"` // that it is about, in CUR 2.0's spelling
	// Blind is what cannot be seen without it, and Remedy the setting to switch on;
	// both are "" where nothing is lacking.
	Blind  string `json:"blind_spot,omitempty"`
	Remedy string `json:"remedy,omitempty"`
}

// Need says what something is needed for.
type Need string

// The needs, hardest first.
const (
	NeedRead   Need = "read"   // nothing can be read without it
	NeedOwner  Need = "owner"  // money loses its owner without it
	NeedDetail Need = "detail" // figures are coarser, or fewer, without it
)

// Status says whether an export has something.
type Status string

// The states. Unknown is what this source cannot tell: a header does not say how
// long rows are.
const (
	Has     Status = "has"
	Lacks   Status = "lacks"
	Unknown Status = "unknown"
)

// InspectOptions say what claims and users need beyond the usual.
type InspectOptions struct {
	// Columns are columns or tags that claims are on, as in Rollup.Keys.
	Columns []Column
	// Bucket is how finely claims begin and end; the zero Span means Day.
	Bucket Span
	// Sessions says that claims are on sessions of roles.
	Sessions bool
}

// ErrInspect marks what is neither a header, nor a manifest, nor the definition
// of an export.
var ErrInspect = errors.New("nothing to inspect")

// Lacking returns the checks that found something missing.
func (i *Inspection) Lacking() []Check {
	var out []Check
	for _, c := range i.Checks {
		if c.State == Lacks {
			out = append(out, c)
		}
	}
	return out
}

// Sufficient reports whether nothing is missing that reading or owners need.
func (i *Inspection) Sufficient() bool {
	return !slices.ContainsFunc(i.Checks, func(c Check) bool { return c.State == Lacks && c.Need != NeedDetail })
}

// Inspect reads the description of exports: a manifest of either generation, a
// definition (what `aws bcm-data-exports get-export` and `aws cur
// describe-report-definitions` print, or a CloudFormation template in JSON), or
// the header line of a CSV file. A document may define several exports; each is
// an Inspection. ErrInspect means that it defines none, ErrManifest that it is a
// manifest which cannot be followed.
func Inspect(name string, b []byte, o *InspectOptions) ([]Inspection, error) {
	if text := strings.TrimLeft(strings.TrimPrefix(string(b), "\ufeff"), " \t\r\n"); strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[") {
		return inspectJSON(name, []byte(text), o)
	}
	line, err := headerLine(b)
	if err != nil {
		return nil, fmt.Errorf("cur: inspect %q: %w: %w", name, ErrInspect, err)
	}
	e := export{of: OfHeader, columns: line}
	if err := recognise(line).complete(); err != nil && !errors.Is(err, ErrMissingColumn) {
		return nil, fmt.Errorf("cur: inspect %q: %w: %w", name, ErrInspect, err)
	}
	return []Inspection{e.inspect(name, o)}, nil
}

// headerLine reads the first line of a CSV file, of which no more may be there.
func headerLine(b []byte) ([]string, error) {
	d, err := newCSV(bytes.NewReader(b), maxRecord)
	switch {
	case err != nil:
		return nil, err
	case len(d.header()) == 0:
		return nil, errors.New("it is empty")
	}
	return d.header(), nil
}

// sampled is how many rows are read to see how long rows are. An export's rows
// are as long as each other but for those of a month, such as tax.
const sampled = 10_000

// InspectFile reads the header of a cost and usage report, and of its first rows
// how long they are. An empty file, which has neither, is ErrInspect; other errors
// are those of NewReader and Reader.Read. A report that lacks what reading needs
// is no error but an Inspection that says so.
func InspectFile(ctx context.Context, f File, o *InspectOptions) (Inspection, error) {
	name := f.Info().Name
	r, err := NewReader(ctx, f, &ReaderOptions{Columns: []Column{colInterval, colUsageStart, colUsageEnd}})
	var lacks *headerError
	switch {
	case errors.Is(err, ErrMissingColumn) && errors.As(err, &lacks):
		e := export{of: OfFile, columns: lacks.header}
		return e.inspect(name, o), nil
	case err != nil:
		return Inspection{}, err
	}
	defer r.Close()
	if len(r.Columns()) == 0 {
		return Inspection{}, fmt.Errorf("cur: inspect %q: %w: it is empty", name, ErrInspect)
	}
	e := export{of: OfFile, columns: r.Columns()}
	least := time.Duration(0)
	var li LineItem
	for range sampled {
		err := r.Read(&li)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return Inspection{}, err
		}
		d := li.IntervalEnd.Sub(li.IntervalStart)
		if r.Format() == FormatFOCUS { // which has no interval
			d = li.UsageEnd.Sub(li.UsageStart)
		}
		if d > 0 && (least == 0 || d < least) {
			least = d
		}
	}
	switch {
	case least == 0:
	case least <= time.Hour:
		e.grain = "HOURLY"
	case least <= 25*time.Hour:
		e.grain = "DAILY"
	default:
		e.grain = "MONTHLY"
	}
	return e.inspect(name, o), nil
}

// export is what is known of the make-up of an export.
type export struct {
	name    string
	of      Origin
	columns []string // nil where the definition does not list them
	grain   string
	// table is what a definition exports from, in AWS's word.
	table string
	// settings are those of a definition; nil where nothing says any.
	settings map[string]string
	// legacy marks the definition of a legacy report.
	legacy bool
}

func (e *export) inspect(name string, o *InspectOptions) Inspection {
	if o == nil {
		o = &InspectOptions{}
	}
	r := recognise(e.columns)
	in := Inspection{Source: name, Export: e.name, Of: e.of, Columns: len(e.columns), Grain: e.grain, Format: r.format()}
	if e.columns == nil {
		switch {
		case e.legacy:
			in.Format = FormatLegacy
		case strings.HasPrefix(e.table, "FOCUS"):
			in.Format = FormatFOCUS
		case e.table == tableCUR2:
			in.Format = FormatCUR2
		default:
			in.Format = FormatUnknown
		}
	}
	x := examination{export: e, row: r, format: in.Format}
	for i := range requirements {
		in.Checks = append(in.Checks, x.check(&requirements[i]))
	}
	in.Checks = append(in.Checks, x.declared(o.Columns)...)
	if o.Sessions {
		in.Checks = append(in.Checks, x.check(&sessionRequirement))
	}
	in.Checks = append(in.Checks, x.granularity(o.Bucket), x.refresh())
	in.Checks = slices.DeleteFunc(in.Checks, func(c Check) bool { return c.Code == "" })
	rank := map[Need]int{NeedRead: 0, NeedOwner: 1, NeedDetail: 2}
	slices.SortStableFunc(in.Checks, func(a, b Check) int { return rank[a.Need] - rank[b.Need] })
	return in
}
