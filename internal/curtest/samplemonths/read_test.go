package main

import (
	"compress/gzip"
	"context"
	"encoding/csv"
	"encoding/json"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spendclaim/spendclaim/internal/colscan"
)

// months is the committed folder.
const months = "../../../examples/quickstart/months"

// line is a row read back, by column name. Nothing here shares code with the generator:
// CSV goes through encoding/csv, Parquet through the column reader, money through Rat.
type line map[string]string

func (l line) day() string { return l["identity_time_interval"][:10] }

func rat(t *testing.T, s string) *big.Rat {
	t.Helper()
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		t.Fatalf("%q is not a number", s)
	}
	return r
}

func text(r *big.Rat) string {
	s := strings.TrimRight(r.FloatString(10), "0")
	return strings.TrimSuffix(s, ".")
}

// read returns all rows of a delivery, through its manifest.
func read(t *testing.T, name string) []line {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(months, name, "metadata", "*", "*-Manifest.json"))
	if err != nil || len(found) != 1 {
		t.Fatalf("manifests of %s: %v, %v", name, found, err)
	}
	body, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	var m struct {
		Columns   []struct{ Name string }
		DataFiles []string
	}
	if err := json.Unmarshal(body, &m); err != nil {
		t.Fatal(err)
	}
	var rows []line
	for _, uri := range m.DataFiles {
		_, tail, ok := strings.Cut(uri, "/data/")
		if !ok {
			t.Fatalf("%s: no data/ in %s", name, uri)
		}
		file := filepath.Join(months, name, "data", filepath.FromSlash(tail))
		got := readFile(t, file)
		if len(got) == 0 || len(got[0]) != len(m.Columns) {
			t.Fatalf("%s: %d rows, want some with %d columns", file, len(got), len(m.Columns))
		}
		rows = append(rows, got...)
	}
	return rows
}

func readFile(t *testing.T, file string) []line {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if strings.HasSuffix(file, ".parquet") {
		return readParquet(t, f)
	}
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(z).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var rows []line
	for _, record := range records[1:] {
		l := make(line)
		for i, name := range records[0] {
			l[name] = record[i]
		}
		rows = append(rows, l)
	}
	return rows
}

func readParquet(t *testing.T, f *os.File) []line {
	t.Helper()
	size, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	p, err := colscan.Open(f, size.Size())
	if err != nil {
		t.Fatal(err)
	}
	columns := p.Columns()
	cursor := p.Rows()
	defer cursor.Close()
	var rows []line
	for cursor.Next(context.Background()) {
		l := make(line)
		for i, c := range columns {
			cell, _, err := cursor.Text(i)
			if err != nil {
				t.Fatal(err)
			}
			l[c.Name] = string(cell)
		}
		rows = append(rows, l)
	}
	if err := cursor.Err(); err != nil {
		t.Fatal(err)
	}
	return rows
}

// claimIndex is a second opinion on what the claims file means.
type claimIndex struct{ roles, resources map[string]string }

var (
	roleARN    = regexp.MustCompile(`^arn:aws:iam::(\d+):role/(?:.*/)?([^/]+)$`)
	sessionARN = regexp.MustCompile(`^arn:aws:sts::(\d+):assumed-role/([^/]+)/[^/]+$`)
)

func readClaims(t *testing.T) claimIndex {
	t.Helper()
	body, err := os.ReadFile(filepath.Join(months, "claims.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Version int
		Claims  []struct {
			ID, Workload, From string
			Anchor             struct{ Kind, Value, Account string }
		}
		Workloads []struct{ ID, Name, Owner, Portfolio string }
	}
	if err := json.Unmarshal(body, &file); err != nil {
		t.Fatal(err)
	}
	x := claimIndex{map[string]string{}, map[string]string{}}
	for _, c := range file.Claims {
		if c.From != "2026-04-01" {
			t.Errorf("claim %s is from %s, want 2026-04-01", c.ID, c.From)
		}
		switch m := roleARN.FindStringSubmatch(c.Anchor.Value); {
		case c.Anchor.Kind == "role" && m != nil:
			x.roles[m[1]+"/"+m[2]] = c.Workload
		case c.Anchor.Kind == "role":
			x.roles[c.Anchor.Account+"/"+c.Anchor.Value] = c.Workload
		case c.Anchor.Kind == "resource":
			x.resources[c.Anchor.Value] = c.Workload
		default:
			t.Errorf("claim %s: anchor %+v", c.ID, c.Anchor)
		}
	}
	return x
}

// owner returns the workload of a row and, without one, the anchor nobody claims.
func (x claimIndex) owner(l line) (workload, anchor string) {
	if m := sessionARN.FindStringSubmatch(l["line_item_iam_principal"]); m != nil {
		return x.roles[m[1]+"/"+m[2]], m[1] + "/" + m[2]
	}
	id, _, _ := strings.Cut(l["line_item_resource_id"], "/runtime-endpoint/")
	return x.resources[id], id
}

// component tells the group of an AI usage row by what its usage type says.
func component(l line) string {
	usage := l["line_item_usage_type"]
	switch {
	case l["line_item_product_code"] != "AmazonBedrockAgentCore":
		return "models"
	case strings.Contains(usage, "-Runtime:"):
		return "runtime"
	case strings.Contains(usage, "-CodeInterpreter:"):
		return "code_interpreter"
	case strings.Contains(usage, "-Memory:"):
		return "memory"
	}
	return "unknown"
}

func isAI(l line) bool {
	return strings.HasPrefix(l["line_item_product_code"], "AmazonBedrock") || l["bill_billing_entity"] == "AWS Marketplace"
}

// sums adds the unblended cost of rows by a key; rows without one are left out.
func sums(t *testing.T, rows []line, key func(line) string) map[string]string {
	t.Helper()
	total := map[string]*big.Rat{}
	for _, l := range rows {
		k := key(l)
		if k == "" {
			continue
		}
		if total[k] == nil {
			total[k] = new(big.Rat)
		}
		total[k].Add(total[k], rat(t, l["line_item_unblended_cost"]))
	}
	got := map[string]string{}
	for k, r := range total {
		got[k] = text(r)
	}
	return got
}
