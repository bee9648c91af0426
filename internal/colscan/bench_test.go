package colscan_test

import (
	"bytes"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/spendclaim/spendclaim/internal/colscan"
)

// benchRows writes n rows of nine columns to w: those that attribution reads,
// and a map.
func benchRows(t testing.TB, w io.Writer, n int) {
	t.Helper()
	columns := []colscan.Column{
		{Name: "product_code", Kind: colscan.String, Optional: true}, {Name: "principal", Kind: colscan.String, Optional: true},
		{Name: "resource_id", Kind: colscan.String, Optional: true}, {Name: "usage_type", Kind: colscan.String, Optional: true},
		{Name: "line_item_id", Kind: colscan.String, Optional: true}, {Name: "start", Kind: colscan.Timestamp, Optional: true},
		{Name: "cost", Kind: colscan.Double, Optional: true}, {Name: "amount", Kind: colscan.Double, Optional: true},
		{Name: "tags", Kind: colscan.Map, Optional: true},
	}
	out := colscan.NewWriter(w, columns, nil)
	start := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	for i := range n {
		k := i * 7919 % 10007
		out.SetText(0, []string{"AmazonEC2", "AmazonS3", "AWSLambda", "AmazonBedrock"}[k%4])
		if k%50 == 0 {
			out.SetText(1, fmt.Sprint("arn:aws:sts::820723250459:assumed-role/role/session", k%400))
		}
		out.SetText(2, fmt.Sprint("arn:aws:ec2:us-east-1:820723250459:instance/i-", k%3000))
		out.SetText(3, fmt.Sprint("USE1-BoxUsage:", k%330))
		out.SetText(4, fmt.Sprintf("%052d", i))
		out.SetTime(5, start.Add(time.Duration(k%744)*time.Hour))
		out.SetFloat(6, float64(k*k)/1e8)
		out.SetFloat(7, float64(k)/1e4)
		if k%3 == 0 {
			out.SetMap(8, []colscan.Pair{{Key: "user_team", Value: fmt.Sprint("team", k%20)}})
		}
		if err := out.EndRow(); err != nil {
			t.Fatal(err)
		}
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}

const benchSize = 100_000

// BenchmarkRead reads the file row by row, and for comparison through the
// row reader of parquet-go.
func BenchmarkRead(b *testing.B) {
	var buf bytes.Buffer
	benchRows(b, &buf, benchSize)
	b.Run("eight flat columns", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			rows := open(b, buf.Bytes()).Rows()
			for rows.Next(b.Context()) {
				for col := range 5 {
					if _, _, err := rows.Text(col); err != nil {
						b.Fatal(err)
					}
				}
				_, _, e5 := rows.Time(5)
				_, _, e6 := rows.Float(6)
				_, _, e7 := rows.Float(7)
				if e5 != nil || e6 != nil || e7 != nil {
					b.Fatal(e5, e6, e7)
				}
			}
			rows.Close()
		}
		b.ReportMetric(float64(b.N*benchSize)/b.Elapsed().Seconds()/1e6, "Mrows/s")
	})
	b.Run("map", func(b *testing.B) {
		b.ReportAllocs()
		var pairs []colscan.Pair
		for b.Loop() {
			rows := open(b, buf.Bytes()).Rows()
			for rows.Next(b.Context()) {
				var err error
				if pairs, _, err = rows.Map(8, pairs[:0]); err != nil {
					b.Fatal(err)
				}
			}
			rows.Close()
		}
		b.ReportMetric(float64(b.N*benchSize)/b.Elapsed().Seconds()/1e6, "Mrows/s")
	})
	b.Run("parquet-go rows", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r := parquet.NewReader(bytes.NewReader(buf.Bytes()))
			rows := make([]parquet.Row, 1000)
			for {
				if _, err := r.ReadRows(rows); err == io.EOF {
					break
				} else if err != nil {
					b.Fatal(err)
				}
			}
			r.Close()
		}
		b.ReportMetric(float64(b.N*benchSize)/b.Elapsed().Seconds()/1e6, "Mrows/s")
	})
}

func BenchmarkWrite(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		benchRows(b, io.Discard, benchSize)
	}
	b.ReportMetric(float64(b.N*benchSize)/b.Elapsed().Seconds()/1e6, "Mrows/s")
}
