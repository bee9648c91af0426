package main

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	_ "github.com/duckdb/duckdb-go/v2" // the opponent: an analytic database in the process
	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/internal/exact"
)

// scope is the predicate of the main job in SQL.
const scope = `((coalesce(bill_billing_entity,'') in ('AWS','') and line_item_product_code in ('AmazonBedrock','AmazonBedrockService','AmazonBedrockFoundationModels','AmazonBedrockAgentCore'))
 or (bill_billing_entity = 'AWS Marketplace' and contains(lower(coalesce(product['product_name'],'')), 'bedrock'))
 or lower(product_product_family) = 'amazon bedrock'
 or (line_item_product_code = 'AmazonCognito' and contains(lower(line_item_usage_type), 'bedrock-agent-core:')))`

// duck answers the main job with DuckDB on one thread. exact casts each double
// through its text, the only cast that keeps its decimal.
func duck(files []string, exact bool) (a answer, err error) {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return a, err
	}
	defer db.Close()
	for _, s := range []string{"SET threads=1", "SET preserve_insertion_order=false"} {
		if _, err := db.Exec(s); err != nil {
			return a, err
		}
	}
	sum := func(c string) string {
		if exact {
			return "sum(cast(cast(" + c + " as varchar) as decimal(38,12)))"
		}
		return "sum(" + c + ")"
	}
	from := "read_parquet(['" + strings.Join(files, "','") + "'])"
	query := `create temp table t as select bill_payer_account_id, bill_billing_period_start_date, bill_invoice_id, bill_invoicing_entity, line_item_legal_entity,
 bill_bill_type, bill_billing_entity, line_item_product_code, product_product_family, product['product_name'] as product_name, product['model'] as model, line_item_usage_type,
 line_item_operation, pricing_unit, line_item_line_item_type, line_item_currency_code, line_item_usage_account_id, product_region_code,
 regexp_replace(line_item_iam_principal, '(:assumed-role/[^/]*)/.*', '\1') as principal, line_item_resource_id, left(identity_time_interval, 10) as day,
 count(*) as n, ` + sum("line_item_unblended_cost") + ` as cost, ` + sum("line_item_usage_amount") + ` as usage, ` +
		sum("line_item_net_unblended_cost") + ` as net, ` + sum("pricing_public_on_demand_cost") + ` as list
 from ` + from + ` where ` + scope + ` group by all`
	if _, err := db.Exec(query); err != nil {
		return a, err
	}
	if err := db.QueryRow("select count(*), cast(sum(cost) as varchar) from t").Scan(&a.Groups, &a.Scope); err != nil {
		return a, err
	}
	if exact {
		d, err := decimal.NewFromString(a.Scope)
		if err != nil {
			return a, err
		}
		a.Scope = d.String()
	}
	return a, db.QueryRow("select count(*) from " + from).Scan(&a.Rows)
}

// arrowRows reads the projected columns as Arrow records, strings as
// dictionaries, and sums AI rows by four columns.
func arrowRows(files []string) (a answer, err error) {
	ctx := context.Background()
	names := []string{"line_item_product_code", "line_item_usage_type", "line_item_resource_id", "line_item_iam_principal", "line_item_unblended_cost"}
	sums := map[string]*exact.Num{}
	for _, name := range files {
		r, err := file.OpenParquetFile(name, false)
		if err != nil {
			return a, err
		}
		props := pqarrow.ArrowReadProperties{BatchSize: 64 << 10}
		var leaves []int
		for _, n := range names {
			i := r.MetaData().Schema.ColumnIndexByName(n)
			leaves = append(leaves, i)
		}
		for _, i := range leaves[:4] {
			props.SetReadDict(i, true)
		}
		ar, err := pqarrow.NewFileReader(r, props, memory.DefaultAllocator)
		if err != nil {
			return a, err
		}
		rr, err := ar.GetRecordReader(ctx, leaves, nil)
		if err != nil {
			return a, err
		}
		for rr.Next() {
			rec := rr.RecordBatch()
			a.Rows += rec.NumRows()
			place := map[string]int{}
			for i, f := range rec.Schema().Fields() {
				place[f.Name] = i
			}
			text := func(n string, row int) string {
				c := rec.Column(place[n])
				if c.IsNull(row) {
					return ""
				}
				if d, ok := c.(*array.Dictionary); ok {
					return d.Dictionary().(*array.String).Value(d.GetValueIndex(row))
				}
				return c.(*array.String).Value(row)
			}
			cost := rec.Column(place[names[4]]).(*array.Float64)
			for i := range int(rec.NumRows()) {
				if !strings.HasPrefix(text(names[0], i), "AmazonBedrock") {
					continue
				}
				n, err := exact.FromFloat(cost.Value(i))
				if err != nil {
					return a, fmt.Errorf("row %d: %w", i, err)
				}
				k := text(names[0], i) + text(names[1], i) + text(names[2], i) + text(names[3], i)
				if sums[k] == nil {
					sums[k] = new(exact.Num)
				}
				sums[k].Acc(n)
			}
		}
		if err := rr.Err(); err != nil && err != io.EOF {
			return a, err
		}
		rr.Release()
		if err := r.Close(); err != nil {
			return a, err
		}
	}
	var total exact.Num
	for _, s := range sums {
		total.Acc(*s)
	}
	a.Codes = total.String()
	return a, nil
}
