package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/big"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// schemaDoc is a JSON Schema, draft 2020-12, of which it understands the
// keywords below. A keyword it does not understand is an error: a rule that
// nobody checks is worse than none.
type schemaDoc struct {
	root     map[string]any
	patterns map[string]*regexp.Regexp
}

//go:embed output.schema.json
var schemaText []byte

// outputSchema reads the schema once.
var outputSchema = sync.OnceValues(func() (*schemaDoc, error) {
	s := &schemaDoc{patterns: map[string]*regexp.Regexp{}}
	if err := json.Unmarshal(schemaText, &s.root); err != nil {
		return nil, err
	}
	return s, nil
})

// validate returns the first violation, with the place in the value.
func (s *schemaDoc) validate(text []byte) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return err
	}
	if _, err := dec.Token(); err != io.EOF {
		return errors.New("more than one JSON value")
	}
	return s.check("$", s.root, v)
}

func (s *schemaDoc) check(at string, schema map[string]any, v any) error {
	fail := func(format string, a ...any) error { return fmt.Errorf("%s: %s", at, fmt.Sprintf(format, a...)) }
	for _, keyword := range slices.Sorted(maps.Keys(schema)) {
		want := schema[keyword]
		switch keyword {
		case "$schema", "$id", "title", "description", "$defs", "properties": // properties go with additionalProperties
		case "$ref":
			def, err := s.definition(want.(string))
			if err != nil {
				return fail("%v", err)
			}
			if err := s.check(at, def, v); err != nil {
				return err
			}
		case "type":
			names, ok := want.([]any)
			if !ok {
				names = []any{want}
			}
			if !slices.ContainsFunc(names, func(n any) bool { return isType(n.(string), v) }) {
				return fail("%v is not of type %v", v, want)
			}
		case "enum":
			if !slices.ContainsFunc(want.([]any), func(o any) bool { return same(o, v) }) {
				return fail("%v is not one of %v", v, want)
			}
		case "pattern":
			re := s.patterns[want.(string)]
			if re == nil {
				var err error
				if re, err = regexp.Compile(want.(string)); err != nil {
					return fail("%v", err)
				}
				s.patterns[want.(string)] = re
			}
			if text, ok := v.(string); ok && !re.MatchString(text) {
				return fail("%q does not match %s", text, want)
			}
		case "minimum":
			least := new(big.Rat).SetInt64(int64(want.(float64)))
			if n, ok := v.(json.Number); ok {
				if x, ok := new(big.Rat).SetString(n.String()); !ok || x.Cmp(least) < 0 {
					return fail("%v is below %v", v, want)
				}
			}
		case "required":
			object, _ := v.(map[string]any)
			for _, name := range want.([]any) {
				if _, ok := object[name.(string)]; object != nil && !ok {
					return fail("%s is missing", name)
				}
			}
		case "items":
			list, _ := v.([]any)
			for i, item := range list {
				if err := s.check(fmt.Sprintf("%s[%d]", at, i), want.(map[string]any), item); err != nil {
					return err
				}
			}
		case "propertyNames":
			object, _ := v.(map[string]any)
			for _, name := range slices.Sorted(maps.Keys(object)) {
				if err := s.check(at+" name", want.(map[string]any), name); err != nil {
					return err
				}
			}
		case "additionalProperties":
			if err := s.members(at, schema, v); err != nil {
				return err
			}
		default:
			return fail("keyword %q is not understood", keyword)
		}
	}
	if schema["properties"] != nil && schema["additionalProperties"] == nil {
		return fail("properties without additionalProperties")
	}
	return nil
}

// members checks an object's values: by name, or as all others.
func (s *schemaDoc) members(at string, schema map[string]any, v any) error {
	object, _ := v.(map[string]any)
	named, _ := schema["properties"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(object)) {
		sub, known := named[name]
		if !known {
			if sub = schema["additionalProperties"]; sub == false {
				return fmt.Errorf("%s: %s is not in the schema", at, name)
			}
		}
		if err := s.check(at+"."+name, sub.(map[string]any), object[name]); err != nil {
			return err
		}
	}
	return nil
}

func (s *schemaDoc) definition(ref string) (map[string]any, error) {
	name, ok := strings.CutPrefix(ref, "#/$defs/")
	defs, _ := s.root["$defs"].(map[string]any)
	def, found := defs[name].(map[string]any)
	if !ok || !found {
		return nil, fmt.Errorf("no definition %q", ref)
	}
	return def, nil
}

// isType reports whether a decoded value is of a JSON Schema type.
func isType(name string, v any) bool {
	switch v := v.(type) {
	case nil:
		return name == "null"
	case bool:
		return name == "boolean"
	case string:
		return name == "string"
	case []any:
		return name == "array"
	case map[string]any:
		return name == "object"
	case json.Number:
		x, ok := new(big.Rat).SetString(v.String())
		return ok && (name == "number" || name == "integer" && x.IsInt())
	}
	return false
}

// same compares a value of the schema, whose numbers are floats, with one of the
// output.
func same(want, got any) bool {
	if n, ok := got.(json.Number); ok {
		x, err := n.Float64()
		return err == nil && want == x
	}
	return want == got
}

func validateOutput(t *testing.T, text []byte) error {
	t.Helper()
	s, err := outputSchema()
	if err != nil {
		t.Fatal(err)
	}
	return s.validate(text)
}

// Every field of the output is in the schema and required, none is in it that
// the output does not have, and no object is open.
func TestSchemaNamesEveryField(t *testing.T) {
	s, err := outputSchema()
	if err != nil {
		t.Fatal(err)
	}
	if got := s.root["$schema"]; got != "https://json-schema.org/draft/2020-12/schema" {
		t.Errorf("$schema is %v", got)
	}
	seen := map[reflect.Type]bool{}
	var walk func(at string, typ reflect.Type, schema map[string]any)
	walk = func(at string, typ reflect.Type, schema map[string]any) {
		if ref, ok := schema["$ref"].(string); ok {
			def, err := s.definition(ref)
			if err != nil {
				t.Errorf("%s: %v", at, err)
				return
			}
			schema = def
		}
		switch typ.Kind() {
		case reflect.Pointer:
			walk(at, typ.Elem(), schema)
		case reflect.Slice:
			walk(at+"[]", typ.Elem(), schema["items"].(map[string]any))
		case reflect.Map:
			walk(at+".*", typ.Elem(), schema["additionalProperties"].(map[string]any))
		case reflect.Struct:
			seen[typ] = true
			fields := jsonFields(typ)
			if schema["additionalProperties"] != false {
				t.Errorf("%s: additionalProperties is %v, want false", at, schema["additionalProperties"])
			}
			properties := schema["properties"].(map[string]any)
			var required []string
			for _, r := range schema["required"].([]any) {
				required = append(required, r.(string))
			}
			names := slices.Sorted(maps.Keys(fields))
			if got := slices.Sorted(maps.Keys(properties)); !slices.Equal(got, names) {
				t.Errorf("%s: the schema has %q, the output %q", at, got, names)
			}
			if slices.Sort(required); !slices.Equal(required, names) {
				t.Errorf("%s: the schema requires %q, the output has %q", at, required, names)
			}
			for name, f := range fields {
				if sub, ok := properties[name].(map[string]any); ok {
					walk(at+"."+name, f, sub)
				}
			}
		}
	}
	walk("$", reflect.TypeFor[output](), s.root)
	if want := 11; len(seen) != want {
		t.Errorf("the output has %d kinds of objects, want %d", len(seen), want)
	}
}

// jsonFields returns the fields of a struct by their JSON names.
func jsonFields(typ reflect.Type) map[string]reflect.Type {
	out := map[string]reflect.Type{}
	for i := range typ.NumField() {
		out[typ.Field(i).Tag.Get("json")] = typ.Field(i).Type
	}
	return out
}

// A validator that accepts everything would pass every other test.
func TestSchemaRejectsBrokenOutputs(t *testing.T) {
	workdir(t)
	valid := quickstart(t, "-restated", "-format", "json").stdout
	if err := validateOutput(t, []byte(valid)); err != nil {
		t.Fatal(err)
	}
	type object = map[string]any
	// at walks to an object of the output.
	at := func(v any, path ...any) object {
		for _, p := range path {
			switch p := p.(type) {
			case string:
				v = v.(object)[p]
			case int:
				v = v.([]any)[p]
			}
		}
		return v.(object)
	}
	set := func(path []any, name string, value any) func(any) {
		return func(v any) { at(v, path...)[name] = value }
	}
	period := []any{"periods", 1}
	unclaimed := append(slices.Clone(period), "unclaimed", 0)
	totals := append(slices.Clone(period), "totals")
	workload := append(slices.Clone(period), "workloads", 0)
	component := append(slices.Clone(workload), "components", 0)
	generation := append(slices.Clone(period), "generation")
	delta := append(slices.Clone(generation), "delta", 0)
	for name, mutate := range map[string]func(any){
		"missing field":                func(v any) { delete(at(v), "reconciled") },
		"missing field of a period":    func(v any) { delete(at(v, period...), "state") },
		"missing field of a sum":       func(v any) { delete(at(v, append(period, "line_types", "Usage")...), "rows") },
		"missing column of a note":     func(v any) { delete(at(v, append(period, "warnings", 0)...), "column") },
		"further field":                set(nil, "total", "1"),
		"further field of a period":    set(period, "x", nil),
		"further field of a claim":     set(unclaimed, "owner", "nobody"),
		"further field of a sum":       set(append(slices.Clone(period), "products", "AmazonBedrock"), "x", "1"),
		"another schema":               set(nil, "schema", 2),
		"amount as a number":           set(totals, "unblended", 1.5),
		"amount with an exponent":      set(totals, "unblended", "1e3"),
		"amount with trailing zeros":   set(totals, "unblended", "1.50"),
		"amount with a bare point":     set(totals, "unblended", "1."),
		"amount with leading zeros":    set(totals, "unblended", "01"),
		"amount with a plus":           set(totals, "unblended", "+1"),
		"negative zero":                set(totals, "unblended", "-0"),
		"blank amount":                 set(totals, "net_unblended", ""),
		"null where a value is due":    set(totals, "unblended", nil),
		"NaN":                          set(component, "unblended", "NaN"),
		"rows as text":                 set(period, "rows", "12"),
		"half a row":                   set(period, "rows", 1.5),
		"negative rows":                set(unclaimed, "rows", -1),
		"blank name":                   set(workload, "owner", ""),
		"unknown state":                set(period, "state", "closed"),
		"unknown outcome":              set(append(slices.Clone(period), "outcomes"), "lost", object{"rows": 1, "unblended": "1", "reasons": object{}}),
		"unknown reason":               set(append(slices.Clone(period), "outcomes", "excluded", "reasons"), "because", object{"rows": 1, "unblended": "1"}),
		"unknown reason of an entry":   set(unclaimed, "reason", "tax"),
		"unknown kind":                 set(unclaimed, "kind", "runtime"),
		"unknown group":                set(component, "group", "models"),
		"component with a space":       set(component, "component", "model input"),
		"other of an unknown kind":     set(append(slices.Clone(workload), "other"), "usage", "1"),
		"unknown cause":                set(generation, "cause", "magic"),
		"generation zero":              set(generation, "number", 0),
		"unknown term":                 set(delta, "term", "magic"),
		"month as a day":               set(period, "billing_period", "2026-05-01"),
		"thirteenth month":             set(period, "billing_period", "2026-13"),
		"day as a time":                set(unclaimed, "first_seen", "2026-05-19T00:00:00Z"),
		"as-of in another zone":        set(period, "as_of", "2026-05-25T12:00:00+02:00"),
		"list instead of an object":    set(period, "outcomes", []any{}),
		"null instead of a list":       set(period, "warnings", nil),
		"text in a list of notes":      set(period, "incomplete", []any{"cost_blank"}),
		"true as text":                 set(period, "reconciled", "true"),
		"line type without its sums":   set(append(slices.Clone(period), "line_types"), "Usage", "12"),
		"period that is not an object": func(v any) { at(v)["periods"].([]any)[0] = nil },
	} {
		t.Run(name, func(t *testing.T) {
			var v any
			if err := json.Unmarshal([]byte(valid), &v); err != nil {
				t.Fatal(err)
			}
			mutate(v)
			broken, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			if err := validateOutput(t, broken); err == nil {
				t.Error("accepted")
			}
		})
	}
}
