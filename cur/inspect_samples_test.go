package cur_test

import (
	"errors"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/internal/samples"
)

// What reports that AWS wrote lack is known.
func TestInspectSamples(t *testing.T) {
	for name, want := range map[string]struct {
		grain string
		lacks []string
	}{
		"cur2-haportal-2026-04/ha-project-CUR-daily-1-00001.first1255.csv": {"DAILY", []string{"caller_identity"}},
		"cur2-haportal-2026-04/ha-project-CUR-daily-1-Manifest.json":       {"", []string{"caller_identity"}},
		"legacy-csv-focusconv-2023-11/sample-anonymous-aws-export-dataset.csv": {"DAILY",
			[]string{"resource_ids", "caller_identity", "net_cost", "tags", "caller_tags"}},
		"legacy-csv-logzio-2018/test-billing-report-1.csv.gz":                   {"HOURLY", []string{"caller_identity", "net_cost", "tags", "caller_tags"}},
		"legacy-parquet-workshop-2018/Oct2018-WorkshopCUR-00001.snappy.parquet": {"HOURLY", []string{"caller_identity", "net_cost", "caller_tags"}},
		"minimal-anonymize/sample-legacy-csv.csv": {"", []string{"caller_identity", "pricing_unit",
			"line_item_type", "billing_period", "currency", "billing_entity", "region", "interval", "invoice", "net_cost", "list_cost",
			"commitments", "tags", "caller_tags", "line_item_id"}},
		"focus10-sample/focus_sample.first660.csv": {"HOURLY", []string{"caller_identity", "product_code", "usage_type", "operation", "invoice", "line_item_id"}},
	} {
		t.Run(name, func(t *testing.T) {
			path := samples.Path(t, name)
			var in cur.Inspection
			if b, err := os.ReadFile(path); err == nil && b[0] == '{' {
				all, err := cur.Inspect(path, b, nil)
				if err != nil {
					t.Fatal(err)
				}
				in = all[0]
			} else {
				f, err := cur.Local().Open(t.Context(), path)
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				if in, err = cur.InspectFile(t.Context(), f, nil); err != nil {
					t.Fatal(err)
				}
			}
			var lacks []string
			for _, c := range in.Lacking() {
				lacks = append(lacks, c.Code)
			}
			if d := cmp.Diff(lacks, want.lacks); d != "" {
				t.Errorf("lacks (-got +want)\n%s", d)
			}
			if in.Grain != want.grain {
				t.Errorf("grain: got %q, want %q", in.Grain, want.grain)
			}
		})
	}
}

func TestInspectFileThatIsNone(t *testing.T) {
	path := samples.Path(t, "not-a-cur-csv-athena-text/AfterCUR.gz")
	f, err := cur.Local().Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err = cur.InspectFile(t.Context(), f, nil); !errors.Is(err, cur.ErrFormat) {
		t.Errorf("got %v, want %v", err, cur.ErrFormat)
	}
}
