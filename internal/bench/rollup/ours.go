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
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	kgzip "github.com/klauspost/compress/gzip"
	"github.com/parquet-go/parquet-go"
	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/internal/colscan"
	"github.com/spendclaim/spendclaim/internal/exact"
)

var contenders = map[string]func(job) (answer, error){
	"main job":                func(j job) (answer, error) { return mainJob(j, true, false) },
	"main job, others summed": func(j job) (answer, error) { return mainJob(j, false, false) },
	"main job, files hashed":  func(j job) (answer, error) { return mainJob(j, true, true) },
	"iterator, all columns":   func(j job) (answer, error) { return iterate(j, nil) },
	"iterator, eight columns": func(j job) (answer, error) { return iterate(j, &cur.ReaderOptions{Columns: eight}) },
	"iterator, eight columns of AI rows": func(j job) (answer, error) {
		return iterate(j, &cur.ReaderOptions{Columns: eight, Where: attribution.DefaultScope().Where()})
	},
	"decompress only":            decompress,
	"DuckDB exact":               func(j job) (answer, error) { return duck(j.repeated(), true) },
	"DuckDB DOUBLE, inexact":     func(j job) (answer, error) { return duck(j.repeated(), false) },
	"arrow-go, five columns":     func(j job) (answer, error) { return arrowRows(j.repeated()) },
	"parquet-go generic reader":  func(j job) (answer, error) { return generic(j.repeated()) },
	"gunzip only":                func(j job) (answer, error) { return gunzip(j.repeated()) },
	"encoding/csv, five columns": func(j job) (answer, error) { return encodingCSV(j.repeated()) },
}

// repeated returns the files as often as they are read.
func (j job) repeated() (files []string) {
	for range j.Times {
		files = append(files, j.Files...)
	}
	return files
}

// perform is one contender's process. It measures the job and nothing else.
func perform(spec string) {
	fail := func(err error) {
		fmt.Fprintf(os.Stderr, "\nrollup: %v\n", err)
		os.Exit(1)
	}
	var j job
	if err := json.Unmarshal([]byte(spec), &j); err != nil {
		fail(err)
	}
	f, ok := contenders[j.Contender]
	if !ok {
		fail(fmt.Errorf("no contender %q", j.Contender))
	}
	runtime.GOMAXPROCS(j.Workers)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	begun, used := time.Now(), processorTime()
	a, err := f(j)
	if err != nil {
		fail(err)
	}
	out := figures{Wall: time.Since(begun), CPU: processorTime() - used}
	runtime.ReadMemStats(&after)
	out.Mallocs = after.Mallocs - before.Mallocs
	if out.Peak, err = peakMemory(); err != nil {
		fail(err)
	}
	if a.complete != nil {
		a.complete(&a)
	}
	out.Answer = a
	if err := json.NewEncoder(os.Stdout).Encode(out); err != nil {
		fail(err)
	}
}

func processorTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// peakMemory returns the most memory that was resident. The process reads it itself:
// what wait reports includes the parent's memory at the time of the fork.
func peakMemory() (int64, error) {
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

// neededColumns are what the main job reads of a month: those that BenchmarkColumns of
// package cur finds it to have opened.
var neededColumns = []string{
	"bill_payer_account_id", "bill_billing_period_start_date", "bill_billing_entity", "bill_bill_type", "bill_invoice_id",
	"bill_invoicing_entity", "line_item_legal_entity", "line_item_product_code", "product_product_family", "product",
	"line_item_usage_type", "line_item_operation", "pricing_unit", "line_item_line_item_type", "line_item_currency_code",
	"line_item_usage_account_id", "product_region_code", "line_item_iam_principal", "line_item_resource_id",
	"identity_time_interval",
	"line_item_unblended_cost", "line_item_net_unblended_cost", "line_item_usage_amount", "pricing_public_on_demand_cost",
	"line_item_line_item_description", "reservation_reservation_a_r_n", "reservation_effective_cost", "reservation_unused_recurring_fee",
	"reservation_amortized_upfront_fee_for_billing_period", "reservation_unused_amortized_upfront_fee_for_billing_period",
	"savings_plan_savings_plan_effective_cost", "savings_plan_total_commitment_to_date", "savings_plan_used_commitment",
	"savings_plan_amortized_upfront_commitment_for_billing_period",
}

// eight are the columns of an attribution of one's own.
var eight = []cur.Column{cur.ColProductCode, cur.ColPrincipal, cur.ColResource, cur.ColUsageType, cur.ColPricingUnit,
	"line_item_usage_start_date", "line_item_unblended_cost", "line_item_usage_amount"}

// decompress reads and decompresses the pages of the needed chunks, and decodes
// nothing: what no reader of these files can do without.
func decompress(j job) (a answer, err error) {
	ctx := context.Background()
	var s colscan.Scanner
	defer s.Close()
	for _, name := range j.repeated() {
		f, err := os.Open(name)
		if err != nil {
			return a, err
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return a, err
		}
		file, err := colscan.Open(f, info.Size())
		if err != nil {
			return a, err
		}
		for g := range file.NumRowGroups() {
			a.Rows += s.Begin(file, g)
			for i, c := range file.Columns() {
				if !slices.Contains(neededColumns, c.Name) {
					continue
				}
				if _, err := s.Decompress(ctx, i); err != nil {
					return a, err
				}
			}
		}
	}
	return a, nil
}

// mainJob groups the rows in scope at the book grain and assigns them; the others
// are counted, or folded and summed too.
func mainJob(j job, unread, hashed bool) (a answer, err error) {
	ctx := context.Background()
	var src cur.Source = repeated{j.Files, j.Times}
	names := []string{repeatedManifest}
	if hashed {
		src, names = cur.Local(), j.Files
	}
	sets, err := cur.Locate(ctx, src, names...)
	if err != nil {
		return a, err
	}
	r := cur.Rollup{Where: attribution.DefaultScope().Where(), RestUnread: unread, AsOf: time.Unix(1780000000, 0), Workers: j.Workers}
	rolled, err := r.Run(ctx, sets[0])
	if err != nil {
		return a, err
	}
	p := rolled[0].Partial
	ix, err := attribution.NewIndex(&attribution.Claims{}, nil, p.Spec())
	if err != nil {
		return a, err
	}
	if _, err := attribution.Attribute(ctx, p, ix, &attribution.Options{Delivery: rolled[0].Delivery}); err != nil {
		return a, err
	}
	if s := rolled[0].Stats; s.Again || s.ByRows > 0 {
		return a, fmt.Errorf("not read as it should: %+v", s)
	}
	a.complete = func(a *answer) {
		var scope, codes exact.Num
		for i := range p.Len() {
			n := p.Exact(i, cur.UnblendedCost)
			scope.Acc(n)
			if strings.HasPrefix(p.Key(i).ProductCode, "AmazonBedrock") {
				codes.Acc(n)
			}
		}
		for _, o := range p.Objects() {
			a.Rows += o.Rows
		}
		a.Groups, a.Scope, a.Codes = p.Len(), scope.String(), codes.String()
		if !unread {
			var all exact.Num
			for _, c := range p.Control() {
				all.Acc(c.Exact(cur.UnblendedCost))
			}
			a.All = all.String()
		}
	}
	return a, nil
}

// iterate reads rows through the public iterator and looks at one field of each.
func iterate(j job, o *cur.ReaderOptions) (a answer, err error) {
	ctx := context.Background()
	var all exact.Num
	for _, name := range j.repeated() {
		f, err := cur.Local().Open(ctx, name)
		if err != nil {
			return a, err
		}
		r, err := cur.NewReader(ctx, f, o)
		if err != nil {
			return a, err
		}
		given, bytes := int64(0), 0
		for li, err := range r.All() {
			if err != nil {
				return a, err
			}
			given++
			bytes += len(li.UsageType)
		}
		if bytes == 0 {
			return a, fmt.Errorf("%s: no usage types", name)
		}
		for _, c := range r.Control() {
			all.Acc(c.Exact(cur.UnblendedCost))
		}
		a.Rows += given
		if err := r.Close(); err != nil {
			return a, err
		}
		if err := f.Close(); err != nil {
			return a, err
		}
	}
	if o != nil && len(o.Where.Any) > 0 {
		// What counts is the rows of the file; those given are fewer.
		a.Scope = all.String()
		d, err := footerRows(j)
		a.Rows = d
		return a, err
	}
	a.All = all.String()
	return a, nil
}

// footerRows counts rows by the footers.
func footerRows(j job) (rows int64, err error) {
	for _, name := range j.repeated() {
		f, err := os.Open(name)
		if err != nil {
			return 0, err
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return 0, err
		}
		file, err := colscan.Open(f, info.Size())
		if err != nil {
			return 0, err
		}
		rows += file.NumRows()
	}
	return rows, nil
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

// summed states the sum of a contender that looks at product codes alone.
func (a *answer) summed(sums map[string]decimal.Decimal) {
	total := decimal.Decimal{}
	for _, d := range sums {
		total = total.Add(d)
	}
	a.Codes = total.String()
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
