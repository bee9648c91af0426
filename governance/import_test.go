package governance

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/memstore"
)

const company = `{"version":1,"effective":"2026-05-01T00:00:00Z",
 "people":[
  {"id":"becki.smith","name":"Becki Smith","roles":[{"role":"product_owner","node":"ci","from":"2026-01-01T00:00:00Z"}]},
  {"id":"lead","roles":[{"role":"finops_lead","from":"2026-01-01T00:00:00Z"}]}],
 "nodes":[
  {"id":"ci","level":"portfolio","name":"Customer & Insights","parent":"retail","owner":"becki.smith","cost_centre":"CC-100"},
  {"id":"retail","level":"business_unit","name":"Retail","entity":"DE01","ledger_account":"6400"}],
 "accounts":[{"id":"820723250459","name":"agents","owner":"becki.smith","node":"ci"}]}`

func TestImportOfADirectory(t *testing.T) {
	s := storage.New(memstore.New(), &storage.Options{Audited: Audited(nil)})
	now := noon
	d := New(s, &Options{Now: func() time.Time { return now }})
	doc, err := ParseDocument("company.json", []byte(company))
	if err != nil {
		t.Fatal(err)
	}
	got, err := d.Import(t.Context(), "first", System, doc)
	if err != nil || got != (Imported{Changed: 5}) {
		t.Fatalf("got %+v, %v", got, err)
	}
	for _, id := range []string{"first", "another id"} {
		before := export(t, s)
		if got, err = d.Import(t.Context(), id, System, doc); err != nil || got != (Imported{Unchanged: 5}) || !bytes.Equal(before, export(t, s)) {
			t.Fatalf("imported again as %q: %+v, %v", id, got, err)
		}
	}
	// A re-organisation, from June on: May stays what it was.
	now = now.AddDate(0, 1, 0)
	next, err := ParseDocumentCSV("june.csv", []byte("node,level,name,parent,cost_centre\ngroup,business_unit,Group,,\nci,portfolio,Customer & Insights,group,CC-200\n"))
	if err != nil {
		t.Fatal(err)
	}
	next.Effective = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	if got, err = d.Import(t.Context(), "june", "lead", next); err != nil || got.Changed != 2 {
		t.Fatalf("got %+v, %v", got, err)
	}
	dir, err := d.Directory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	may, june := noon, next.Effective
	if diff := cmp.Diff([][]string{dir.Path("ci", may), dir.Path("ci", june)}, [][]string{{"ci", "retail"}, {"ci", "group"}}); diff != "" {
		t.Errorf("paths (+want): %s", diff)
	}
	place, _ := dir.Place("ci", may)
	if place.Fields != (Fields{"DE01", "CC-100", "6400"}) {
		t.Errorf("May's fields %+v", place.Fields)
	}
	place, _ = dir.Place("ci", june)
	if place.Fields != (Fields{CostCentre: "CC-200"}) {
		t.Errorf("June's fields %+v", place.Fields)
	}
	if a := dir.Ancestor("ci", "business_unit", may); a != "retail" {
		t.Errorf("May's business unit %q", a)
	}
	// People by line and role; one leaves.
	people, err := ParseDocumentCSV("people.csv", []byte("person,name,role,node,from,left\nbecki.smith,Becki Smith,product_owner,ci,2026-01-01,\nnew,New,cloud_engineer,,,\nnew,New,product_owner,ci,,\nlead,,,,,2026-06-03\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err = d.Import(t.Context(), "people", "lead", people); err != nil || got != (Imported{Changed: 2, Unchanged: 1}) {
		t.Errorf("got %+v, %v", got, err)
	}
	if dir, err = d.Directory(t.Context()); err != nil {
		t.Fatal(err)
	}
	if h := dir.Holders(ProductOwner, "ci", now); !cmp.Equal(h, []PersonID{"becki.smith", "new"}) || dir.Present("lead", now) {
		t.Errorf("holders %q, lead there: %t", h, dir.Present("lead", now))
	}
	for _, ref := range []Ref{person("lead"), person("becki.smith"), {Kind: KindNode, ID: "ci"}, {Kind: KindAccount, ID: accountA}} {
		checkHistory(t, d, ref)
	}
}

func TestDocumentsThatAreRefused(t *testing.T) {
	tests := []struct{ name, doc, want string }{
		{"no JSON", `{`, "governance: directory x: unexpected EOF"},
		{"two values", `{"version":1} {}`, "governance: directory x: something follows the value"},
		{"version", `{"version":2}`, "governance: directory x: version 2, want 1"},
		{"unknown field", `{"version":1,"persons":[]}`, `governance: directory x: json: unknown field "persons"`},
		{"field twice", "{\"version\":1,\n\"people\":[],\"People\":[]}", `governance: directory x: line 2: field "People" comes twice`},
		{"blank id", `{"version":1,"people":[{"id":""}]}`, `governance: directory x: person "": blank id`},
		{"person twice", `{"version":1,"people":[{"id":"a"},{"id":"a"}]}`, `governance: directory x: person "a": comes twice`},
		{"system", `{"version":1,"people":[{"id":"system"}]}`, `governance: directory x: person "system": is no person`},
		{"role", `{"version":1,"people":[{"id":"a","roles":[{"role":"king"}]}]}`, `governance: directory x: person "a": unusable detail: role "king" cannot be granted`},
		{"role of the desk", `{"version":1,"people":[{"id":"a","roles":[{"role":"consequence"}]}]}`, `governance: directory x: person "a": unusable detail: role "consequence" cannot be granted`},
		{"account", `{"version":1,"accounts":[{"id":"1"}]}`, `governance: directory x: account "1": has not twelve digits`},
		{"node without level", `{"version":1,"nodes":[{"id":"n"}]}`, `governance: directory x: node "n": has no level`},
		{"date", "{\"version\":1,\n\"effective\":\"yesterday\"}", `governance: directory x: parsing time`},
		{"csv: empty", "", "governance: directory x: line 1: header: EOF"},
		{"csv: no table", "name\nx\n", `governance: directory x: line 1: first column "name" is none of person, node, account`},
		{"csv: column", "node,king\n", `governance: directory x: line 1: column "king" is none of`},
		{"csv: column twice", "node,name,name\n", `governance: directory x: line 1: column "name" comes twice`},
		{"csv: cells", "node,level\na,b\nc\n", "governance: directory x: line 3: wrong number of fields"},
		{"csv: quote", "node,level\na,\"b\n", `governance: directory x: line 2: extraneous or missing " in quoted-field`},
		{"csv: date", "person,role,from\na,product_owner,soon\n", `governance: directory x: line 2: from: "soon" is neither a date nor RFC 3339`},
		{"csv: two names", "person,name,role\na,A,product_owner\na,B,finops_lead\n", `governance: directory x: line 3: person "a" is "B" here and "A" above`},
		{"csv: term without role", "person,role,from\na,,2026-01-01\n", "governance: directory x: line 2: node, from and to are of a role, and there is none"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			parse := ParseDocument
			if len(tt.name) > 4 && tt.name[:4] == "csv:" {
				parse = ParseDocumentCSV
			}
			_, err := parse("x", []byte(tt.doc))
			var at *DocumentError
			if !errors.As(err, &at) || !errors.Is(err, ErrDetail) || len(err.Error()) < len(tt.want) || err.Error()[:len(tt.want)] != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func FuzzParseDocument(f *testing.F) {
	f.Add([]byte(company))
	f.Add([]byte(`{"version":1,"people":[{"id":"a","left":"2026-01-01T00:00:00+02:00","roles":[{"role":"finops_lead","to":"2027-01-01T00:00:00Z"}]}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := ParseDocument("fuzz", b)
		checkParsed(t, d, err)
		if err != nil {
			return
		}
		// What was read can be written and read again.
		again, err := ParseDocument("again", []byte(asJSON(d)))
		if err != nil {
			t.Fatalf("%s: %v", asJSON(d), err)
		}
		if diff := cmp.Diff(again, d, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("(+want): %s", diff)
		}
	})
}

func FuzzParseDocumentCSV(f *testing.F) {
	f.Add([]byte("person,name,role,node,from,left\nbecki,\"Smith, Becki\",product_owner,ci,2026-01-01,\n"))
	f.Add([]byte("node,level,parent,cost_centre\nci,portfolio,retail,CC\n"))
	f.Add([]byte("\xef\xbb\xbfaccount,owner\n820723250459,becki\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := ParseDocumentCSV("fuzz", b)
		checkParsed(t, d, err)
	})
}

// checkParsed: a document can be imported, and an error is typed.
func checkParsed(t *testing.T, d *Document, err error) {
	var at *DocumentError
	switch {
	case err != nil && !errors.As(err, &at):
		t.Fatalf("%T %v", err, err)
	case err == nil:
		if _, _, err := d.commands(&Directory{}, nil, noon); err != nil && !errors.Is(err, ErrDates) {
			t.Fatal(err)
		}
	}
}
