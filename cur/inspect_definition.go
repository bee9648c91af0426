package cur

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// exportDefinition is an export as the API of Data Exports prints it.
type exportDefinition struct {
	Name      literal
	DataQuery *struct {
		QueryStatement      literal
		TableConfigurations map[string]map[string]literal
	}
}

// literal is a text of a definition. In a template it may be a reference to
// something else instead, which is not followed and is blank.
type literal string

func (l *literal) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '{' {
		return nil
	}
	return json.Unmarshal(b, (*string)(l))
}

// reportDefinition is a legacy report as its API prints it.
type reportDefinition struct {
	ReportName               string
	TimeUnit                 string
	AdditionalSchemaElements []string
	RefreshClosedReports     *bool
}

// document is the union of what definitions come in.
type document struct {
	Export            *exportDefinition
	DataQuery         json.RawMessage
	ReportDefinitions []reportDefinition
	ReportName        *string // a legacy definition alone, or a legacy manifest
	Resources         map[string]struct {
		Type       string
		Properties struct {
			Export           *exportDefinition
			reportDefinition // of AWS::CUR::ReportDefinition
		}
	}
	DataFiles  json.RawMessage `json:"dataFiles"`
	ReportKeys json.RawMessage `json:"reportKeys"`
}

// The resource types of CloudFormation that make exports.
const (
	resourceExport = "AWS::BCMDataExports::Export"
	resourceReport = "AWS::CUR::ReportDefinition"
)

func inspectJSON(name string, b []byte, o *InspectOptions) ([]Inspection, error) {
	fail := func(format string, args ...any) ([]Inspection, error) {
		return nil, fmt.Errorf("cur: inspect %q: %w: "+format, append([]any{name, ErrInspect}, args...)...)
	}
	var d document
	if err := unmarshal(b, &d); err != nil {
		return fail("%w", err)
	}
	var exports []export
	switch {
	case d.DataFiles != nil || d.ReportKeys != nil:
		m, err := ParseManifest(name, b)
		if err != nil {
			return nil, err
		}
		e := export{name: m.Export, of: OfManifest, columns: m.Columns}
		if len(m.Columns) == 0 {
			return fail("the manifest lists no columns; inspect a data file instead")
		}
		exports = append(exports, e)
	case d.Export != nil:
		e, err := d.Export.export("")
		if err != nil {
			return fail("%w", err)
		}
		exports = append(exports, e)
	case d.DataQuery != nil:
		var x exportDefinition
		if err := unmarshal(b, &x); err != nil {
			return fail("%w", err)
		}
		e, err := x.export("")
		if err != nil {
			return fail("%w", err)
		}
		exports = append(exports, e)
	case d.ReportDefinitions != nil:
		for i := range d.ReportDefinitions {
			exports = append(exports, d.ReportDefinitions[i].export())
		}
	case d.ReportName != nil:
		var x reportDefinition
		if err := unmarshal(b, &x); err != nil {
			return fail("%w", err)
		}
		exports = append(exports, x.export())
	case d.Resources != nil:
		for _, id := range slices.Sorted(maps.Keys(d.Resources)) {
			r := d.Resources[id]
			switch {
			case r.Type == resourceExport && r.Properties.Export != nil:
				e, err := r.Properties.Export.export(id)
				if err != nil {
					return fail("resource %q: %w", id, err)
				}
				exports = append(exports, e)
			case r.Type == resourceReport:
				exports = append(exports, r.Properties.reportDefinition.export())
			}
		}
	}
	if len(exports) == 0 {
		return fail("it is JSON, but neither a manifest (dataFiles, reportKeys) nor a definition of an export (Export, ReportDefinitions, Resources)")
	}
	out := make([]Inspection, len(exports))
	for i := range exports {
		out[i] = exports[i].inspect(name, o)
	}
	return out, nil
}

// unmarshal is json.Unmarshal with the place of an error: line and column.
func unmarshal(b []byte, to any) error {
	err := json.Unmarshal(b, to)
	var at int64
	switch e := err.(type) {
	case *json.SyntaxError:
		at = e.Offset
	case *json.UnmarshalTypeError:
		at = e.Offset
	default:
		return err
	}
	before := b[:min(at, int64(len(b)))]
	return fmt.Errorf("line %d, column %d: %w", 1+bytes.Count(before, []byte("\n")), len(before)-bytes.LastIndexByte(before, '\n'), err)
}

func (d *exportDefinition) export(id string) (export, error) {
	e := export{name: string(d.Name), of: OfDefinition, settings: map[string]string{}}
	if e.name == "" {
		e.name = id
	}
	if d.DataQuery == nil {
		return e, fmt.Errorf("export %q has no DataQuery", cut(e.name))
	}
	var err error
	if e.columns, e.table, err = parseQuery(string(d.DataQuery.QueryStatement)); err != nil {
		return e, fmt.Errorf("export %q: QueryStatement: %w", cut(e.name), err)
	}
	for table, settings := range d.DataQuery.TableConfigurations {
		if strings.EqualFold(table, e.table) {
			for k, v := range settings {
				e.settings[strings.ToUpper(k)] = string(v)
			}
		}
	}
	e.grain = strings.ToUpper(e.settings[settingGrain])
	return e, nil
}

func (d *reportDefinition) export() export {
	e := export{name: d.ReportName, of: OfDefinition, legacy: true, grain: strings.ToUpper(d.TimeUnit), settings: map[string]string{
		"AdditionalSchemaElements": strings.Join(d.AdditionalSchemaElements, ","),
	}}
	if d.RefreshClosedReports != nil && *d.RefreshClosedReports {
		e.settings["RefreshClosedReports"] = "true"
	}
	return e
}

// parseQuery reads a QueryStatement: SELECT columns FROM table. What a column is
// called is its alias, else its own name; of a key of a map (`product.region` or
// `tags['k']`) without one, the key. Columns are nil for an asterisk. AWS allows
// little more: a WHERE clause is passed over.
func parseQuery(q string) (columns []string, table string, err error) {
	words := tokens(q)
	if len(words) == 0 || !strings.EqualFold(words[0], "select") {
		return nil, "", fmt.Errorf("it does not begin with SELECT but with %q", cut(strings.TrimSpace(q)))
	}
	from := slices.IndexFunc(words, func(w string) bool { return strings.EqualFold(w, "from") })
	if from < 0 || from+1 == len(words) {
		return nil, "", fmt.Errorf("no table after FROM")
	}
	table = strings.ToUpper(strings.Trim(words[from+1], "`\""))
	list := words[1:from]
	if len(list) == 1 && list[0] == "*" {
		return nil, table, nil
	}
	depth, last := 0, ""
	for _, w := range append(slices.Clone(list), ",") {
		switch w {
		case "(", "[":
			depth++
		case ")", "]":
			depth--
		case ",":
			if depth > 0 {
				continue
			}
			if last == "" {
				return nil, "", fmt.Errorf("column %d has no name", len(columns)+1)
			}
			columns, last = append(columns, last), ""
		default:
			last = strings.Trim(w[strings.LastIndexByte(w, '.')+1:], "`\"'")
		}
	}
	return columns, table, nil
}

// tokens cuts a query into words and marks. What is quoted stays one word.
func tokens(q string) (out []string) {
	for i := 0; i < len(q); {
		switch c := q[i]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
		case strings.IndexByte(",()[];*", c) >= 0:
			out = append(out, q[i:i+1])
			i++
		default:
			from := i
			for quote := byte(0); i < len(q); i++ {
				c := q[i]
				if quote != 0 {
					if c == quote {
						quote = 0
					}
					continue
				}
				if c == '\'' || c == '"' || c == '`' {
					quote = c
					continue
				}
				if strings.IndexByte(" \t\r\n,()[];*", c) >= 0 {
					break
				}
			}
			out = append(out, q[from:i])
		}
	}
	return out
}
