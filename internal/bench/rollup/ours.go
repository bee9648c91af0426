package main

import (
	"compress/gzip"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	kgzip "github.com/klauspost/compress/gzip"
	"github.com/parquet-go/parquet-go"
	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
)

// The contenders, by the name that -mode takes.
var (
	parquetContenders = []string{"ours", "ours, others summed too", "ours, row iterator", "duckdb-exact", "duckdb-double", "arrow-go", "parquet-go generic"}
	csvContenders     = []string{"ours-csv", "ours-csv, others summed too", "encoding-csv"}
)

var contenders = map[string]func(files []string) (answer, error){
	"parquet-decompress":          decompress,
	"ours":                        func(f []string) (answer, error) { return ours(f, true) },
	"ours, others summed too":     func(f []string) (answer, error) { return ours(f, false) },
	"ours, row iterator":          iterate,
	"duckdb-exact":                func(f []string) (answer, error) { return duck(f, true) },
	"duckdb-double":               func(f []string) (answer, error) { return duck(f, false) },
	"arrow-go":                    arrowRows,
	"parquet-go generic":          generic,
	"csv-gunzip":                  gunzip,
	"ours-csv":                    func(f []string) (answer, error) { return ours(f, true) },
	"ours-csv, others summed too": func(f []string) (answer, error) { return ours(f, false) },
	"encoding-csv":                encodingCSV,
}

// child is one contender's process. Its memory and processor time are measured
// from outside.
func child(mode string, files []string) {
	fail := func(err error) {
		fmt.Fprintf(os.Stderr, "rollup: %s: %v\n", mode, err)
		os.Exit(1)
	}
	f, ok := contenders[mode]
	if !ok {
		fail(fmt.Errorf("no such contender"))
	}
	runtime.GOMAXPROCS(1)
	a, err := f(files)
	if err != nil {
		fail(err)
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	a.Mallocs = m.Mallocs
	if a.Peak, err = peak(); err != nil {
		fail(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(a); err != nil {
		fail(err)
	}
}

// peak returns the most memory that was resident. The process reads it itself:
// what wait reports includes the parent's memory at the time of the fork.
func peak() (int64, error) {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for _, l := range strings.Split(string(b), "\n") {
		var kb int64
		if _, err := fmt.Sscanf(l, "VmHWM: %d kB", &kb); err == nil {
			return kb << 10, nil
		}
	}
	return 0, fmt.Errorf("no VmHWM in /proc/self/status")
}

// neededColumns are what the main job reads of a month.
var neededColumns = []string{
	"bill_payer_account_id", "bill_billing_period_start_date", "bill_billing_entity", "bill_bill_type", "bill_invoice_id",
	"bill_invoicing_entity", "line_item_legal_entity", "line_item_product_code", "product_product_family",
	"line_item_usage_type", "line_item_operation", "pricing_unit", "line_item_line_item_type", "line_item_currency_code",
	"line_item_usage_account_id", "product_region_code", "line_item_iam_principal", "line_item_resource_id",
	"identity_time_interval", "line_item_usage_start_date", "line_item_usage_end_date",
	"line_item_unblended_cost", "line_item_net_unblended_cost", "line_item_usage_amount", "pricing_public_on_demand_cost",
}

// ours is the main job: rows in scope grouped at the book grain and assigned,
// the others counted, or folded and summed too.
func ours(files []string, unread bool) (a answer, err error) {
	ctx := context.Background()
	sets, err := cur.Locate(ctx, cur.Local(), files...)
	if err != nil {
		return a, err
	}
	r := cur.Rollup{Where: attribution.DefaultScope().Where(), RestUnread: unread, AsOf: time.Unix(1780000000, 0)}
	rolled, err := r.Run(ctx, sets[0])
	if err != nil {
		return a, err
	}
	ix, err := attribution.NewIndex(&attribution.Claims{}, nil, rolled[0].Partial.Spec())
	if err != nil {
		return a, err
	}
	p := rolled[0].Partial
	if _, err := attribution.Attribute(ctx, p, ix, &attribution.Options{Delivery: rolled[0].Delivery}); err != nil {
		return a, err
	}
	cost := decimal.Decimal{}
	for i := range p.Len() {
		cost = cost.Add(p.Exact(i, cur.UnblendedCost).Decimal())
	}
	for _, o := range p.Objects() {
		a.Rows += o.Rows
	}
	a.Groups, a.Cost = p.Len(), cost.String()
	return a, nil
}

// iterate reads every row through the public iterator.
func iterate(files []string) (a answer, err error) {
	ctx := context.Background()
	cost := decimal.Decimal{}
	for _, name := range files {
		f, err := cur.Local().Open(ctx, name)
		if err != nil {
			return a, err
		}
		r, err := cur.NewReader(ctx, f, nil)
		if err != nil {
			return a, err
		}
		for _, err := range r.All() {
			if err != nil {
				return a, err
			}
			a.Rows++
		}
		for _, c := range r.Control() {
			cost = cost.Add(c.Sum(cur.UnblendedCost))
		}
		if err := r.Close(); err != nil {
			return a, err
		}
		if err := f.Close(); err != nil {
			return a, err
		}
	}
	a.Cost = cost.String() + " (all rows)"
	return a, nil
}

// gunzip is what reading CSV cannot do without.
func gunzip(files []string) (a answer, err error) {
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return a, err
		}
		z, err := kgzip.NewReader(f)
		if err != nil {
			return a, err
		}
		if _, err := io.Copy(io.Discard, z); err != nil {
			return a, err
		}
		f.Close()
	}
	return a, nil
}

// encodingCSV is the plain way: standard library and one decimal per row.
func encodingCSV(files []string) (a answer, err error) {
	sums := map[string]decimal.Decimal{}
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return a, err
		}
		z, err := gzip.NewReader(f)
		if err != nil {
			return a, err
		}
		r := csv.NewReader(z)
		r.ReuseRecord = true
		head, err := r.Read()
		if err != nil {
			return a, err
		}
		at := map[string]int{}
		for i, h := range head {
			at[h] = i
		}
		cost, product := at["line_item_unblended_cost"], at["line_item_product_code"]
		for {
			rec, err := r.Read()
			if err == io.EOF {
				break
			}
			if err != nil {
				return a, err
			}
			a.Rows++
			if !strings.HasPrefix(rec[product], "AmazonBedrock") {
				continue
			}
			d, err := decimal.NewFromString(rec[cost])
			if err != nil {
				return a, err
			}
			k := rec[product] + rec[at["line_item_usage_type"]] + rec[at["line_item_resource_id"]] + rec[at["line_item_iam_principal"]]
			sums[strings.Clone(k)] = sums[k].Add(d)
		}
		f.Close()
	}
	a.summed(sums)
	return a, nil
}

// summed states the groups of a contender that leaves Marketplace rows out.
func (a *answer) summed(sums map[string]decimal.Decimal) {
	total := decimal.Decimal{}
	for _, d := range sums {
		total = total.Add(d)
	}
	a.Groups, a.Cost = len(sums), total.String()+" (no Marketplace)"
}

// narrow is the struct that parquet-go's documentation suggests.
type narrow struct {
	Product   string  `parquet:"line_item_product_code"`
	UsageType string  `parquet:"line_item_usage_type"`
	Resource  string  `parquet:"line_item_resource_id"`
	Principal string  `parquet:"line_item_iam_principal"`
	Double    float64 `parquet:"line_item_unblended_cost"`
}

func generic(files []string) (a answer, err error) {
	sums := map[string]decimal.Decimal{}
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return a, err
		}
		r := parquet.NewGenericReader[narrow](f)
		rows := make([]narrow, 1024)
		for {
			n, err := r.Read(rows)
			for _, row := range rows[:n] {
				a.Rows++
				if !strings.HasPrefix(row.Product, "AmazonBedrock") {
					continue
				}
				d, err := decimal.NewFromString(strconv.FormatFloat(row.Double, 'g', -1, 64))
				if err != nil {
					return a, err
				}
				k := row.Product + row.UsageType + row.Resource + row.Principal
				sums[k] = sums[k].Add(d)
			}
			if err == io.EOF {
				break
			}
			if err != nil {
				return a, err
			}
		}
		if err := r.Close(); err != nil {
			return a, err
		}
		f.Close()
	}
	a.summed(sums)
	return a, nil
}
