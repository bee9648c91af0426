package cur

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Manifest is the list of files of one delivery, as AWS writes it beside them.
// It is the only thing that says which files a delivery consists of: a folder
// also holds surplus and superseded ones.
type Manifest struct {
	Name      string   // where it was found
	Export    string   // export ARN; report name of a legacy report
	Account   string   // account that owns the export, "" if the manifest does not say
	Execution string   // execution id; assembly id of a legacy report
	Period    Month    // billing period; unknown for an export whose path does not say
	Files     []string // data files as written: S3 URIs, or keys of a legacy report
	Columns   []string // column names, those of a legacy report as category/name
}

// manifestFile is the union of what the two generations write. They are told
// apart by dataFiles against reportKeys; fields of neither are ignored, for AWS
// adds some at times.
type manifestFile struct {
	ExecutionID *string   `json:"executionId"`
	ExportARN   string    `json:"exportArn"`
	DataFiles   *[]string `json:"dataFiles"`

	AssemblyID    string    `json:"assemblyId"`
	Account       string    `json:"account"`
	ReportName    string    `json:"reportName"`
	ReportKeys    *[]string `json:"reportKeys"`
	BillingPeriod struct {
		Start string `json:"start"`
		End   string `json:"end"`
	} `json:"billingPeriod"`

	Columns []struct {
		Category string `json:"category"`
		Name     string `json:"name"`
	} `json:"columns"`
}

var billingPeriodFolder = regexp.MustCompile(`(?i)(?:^|/)billing_period=(\d{4}-\d{2})(?:/|$)`)

// ParseManifest reads a manifest of either generation. ErrManifest means that it
// is none, or cannot be followed; ErrDuplicate that it names a file twice.
func ParseManifest(name string, b []byte) (*Manifest, error) {
	fail := func(err error) (*Manifest, error) {
		return nil, fmt.Errorf("cur: read manifest %q: %w", name, err)
	}
	var f manifestFile
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	if err := json.Unmarshal(b, &f); err != nil {
		return fail(fmt.Errorf("%w: %w", ErrManifest, err))
	}
	m := &Manifest{Name: name}
	switch {
	case f.DataFiles != nil && f.ReportKeys != nil:
		return fail(fmt.Errorf("%w: it has dataFiles and reportKeys", ErrManifest))
	case f.DataFiles != nil:
		m.Export, m.Files = f.ExportARN, *f.DataFiles
		if f.ExecutionID != nil {
			m.Execution = *f.ExecutionID
		}
		if p := strings.Split(f.ExportARN, ":"); len(p) > 4 {
			m.Account = p[4]
		}
		// The bucket's own path says more than that of a copy.
		for _, s := range append(slices.Clone(m.Files), name) {
			g := billingPeriodFolder.FindStringSubmatch(s)
			if g == nil {
				continue
			}
			p, err := ParseMonth(g[1])
			if err != nil {
				return fail(fmt.Errorf("%w: folder %q: %w", ErrManifest, g[0], err))
			}
			if !m.Period.IsZero() && m.Period != p && s != name {
				return fail(fmt.Errorf("%w: its data files are of the billing periods %s and %s", ErrManifest, m.Period, p))
			}
			m.Period = cmp.Or(m.Period, p)
		}
	case f.ReportKeys != nil:
		m.Export, m.Execution, m.Account, m.Files = f.ReportName, f.AssemblyID, f.Account, *f.ReportKeys
		if f.BillingPeriod.Start != "" {
			t, err := time.Parse("20060102T150405.000Z", f.BillingPeriod.Start)
			if err != nil {
				return fail(fmt.Errorf("%w: billing period starts %q", ErrManifest, cut(f.BillingPeriod.Start)))
			}
			m.Period = MonthOf(t)
		}
		for _, file := range m.Files {
			p := monthOfFolder(file)
			if !m.Period.IsZero() && !p.IsZero() && m.Period != p {
				return fail(fmt.Errorf("%w: it is of the billing period %s and data file %q of %s", ErrManifest, m.Period, cut(file), p))
			}
			m.Period = cmp.Or(m.Period, p)
		}
	default:
		return fail(fmt.Errorf("%w: it has neither dataFiles nor reportKeys", ErrManifest))
	}
	if m.Execution == "" {
		return fail(fmt.Errorf("%w: no execution or assembly id", ErrManifest))
	}
	seen := make(map[string]bool, len(m.Files))
	for _, file := range m.Files {
		if seen[file] {
			return fail(fmt.Errorf("%w: data file %q", ErrDuplicate, file))
		}
		seen[file] = true
		if k := keyOf(file); k == "" || slices.Contains(strings.Split(k, "/"), "..") {
			return fail(fmt.Errorf("%w: data file %q is no place in a bucket", ErrManifest, cut(file)))
		}
	}
	for _, c := range f.Columns {
		n := c.Name
		if c.Category != "" {
			n = c.Category + "/" + n
		}
		m.Columns = append(m.Columns, n)
	}
	return m, nil
}

// keyOf returns the key of a data file, which is written as a URI, or as a key
// that may begin with a slash. Nothing in either is escaped.
func keyOf(file string) string {
	if _, rest, ok := strings.Cut(file, "://"); ok {
		_, file, _ = strings.Cut(rest, "/")
	}
	return strings.TrimLeft(file, "/")
}

// places lists where a data file of the manifest may be, best first. Copies of a
// bucket keep the layout but rarely the whole of it: the file is looked for at
// its key under each folder above the manifest, deepest first; then at its path
// from the folder on that tells the period, which is where AWS's own layouts
// begin: data/, or for legacy reports the report's folder of year= or the dates of
// the period; then beside the manifest.
func (m *Manifest) places(file string) []string {
	key := keyOf(file)
	var above []string
	for dir := path.Dir(m.Name); ; dir = path.Dir(dir) {
		above = append(above, dir)
		if dir == path.Dir(dir) {
			break
		}
	}
	var out []string
	for _, dir := range above {
		out = append(out, path.Join(dir, key))
	}
	// In a bucket a key with empty parts, as a prefix that ends in a slash makes
	// them, is not the one without.
	if key != path.Clean(key) {
		out = append(out, key)
	}
	for _, tail := range tails(key) {
		for _, dir := range above {
			out = append(out, path.Join(dir, tail))
		}
	}
	if g := datesFolder.FindStringSubmatchIndex(key); g != nil { // a copy of what is in it
		out = append(out, path.Join(path.Dir(m.Name), key[g[1]:]))
	}
	return append(out, path.Join(path.Dir(m.Name), base(key)))
}

// Folders of legacy reports: `20180801-20180901/`, and for Parquet
// `report/year=2018/month=8/`, whose month may have two digits.
var (
	datesFolder = regexp.MustCompile(`(?:^|/)(\d{8}-\d{8})/`)
	monthFolder = regexp.MustCompile(`(?:^|/)(?:[^/]+/)?(year=(\d{4})/month=(\d{1,2}))/`)
)

// tails returns the ends of a key that a copy may have kept.
func tails(key string) (out []string) {
	if i := strings.LastIndex("/"+key, "/data/"); i >= 0 {
		out = append(out, key[i:])
	}
	if g := monthFolder.FindStringSubmatchIndex(key); g != nil {
		out = append(out, strings.TrimPrefix(key[g[0]:], "/"), key[g[2]:])
	}
	if g := datesFolder.FindStringSubmatchIndex(key); g != nil {
		out = append(out, key[g[2]:])
	}
	return out
}

// monthOfFolder returns the month that the path of a legacy report's file names.
func monthOfFolder(key string) Month {
	if g := monthFolder.FindStringSubmatch(key); g != nil {
		if m, err := ParseMonth(g[2] + "-" + ("0" + g[3])[len(g[3])-1:]); err == nil {
			return m
		}
	}
	if g := datesFolder.FindStringSubmatch(key); g != nil {
		if m, err := ParseMonth(g[1][:4] + "-" + g[1][4:6]); err == nil {
			return m
		}
	}
	return Month{}
}

// executionFolder matches the folder that create-new layouts give a delivery,
// `2026-04-16T15:24:15.653Z-04e9e487-…`; copies to file systems that refuse
// colons write something else in their place.
var executionFolder = regexp.MustCompile(`(?:^|/)(\d{4}-\d{2}-\d{2})T(\d{2})[:_-]?(\d{2})[:_-]?(\d{2}(?:\.\d+)?)Z-[0-9a-fA-F]`)

// asOf returns the newest time that names a folder of a delivery, zero if none.
func (m *Manifest) asOf() (t time.Time) {
	for _, s := range append([]string{m.Name}, m.Files...) {
		if g := executionFolder.FindStringSubmatch(s); g != nil {
			at, err := time.Parse(time.RFC3339Nano, g[1]+"T"+g[2]+":"+g[3]+":"+g[4]+"Z")
			if err == nil && at.After(t) {
				t = at
			}
		}
	}
	return t
}
