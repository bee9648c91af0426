package cur_test

import (
	"context"
	"errors"
	"io/fs"
	"math/big"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/internal/samples"
)

// Every sample is read to the row and to the last decimal, or it is refused: what
// the table does not list is no cost report. Totals of CSV were added up apart from this
// module, with the decimals of another language.
func TestEverySampleIsReadOrRefused(t *testing.T) {
	if testing.Short() {
		t.Skip("reads a quarter of a million rows")
	}
	want := map[string]struct {
		rows   int64
		total  string
		format cur.Format
	}{
		"cur2-haportal-2026-04/ha-project-CUR-daily-1-00001.first1255.csv":                                      {1255, "-8.7265158282", cur.FormatCUR2},
		"legacy-csv-focusconv-2023-11/sample-anonymous-aws-export-dataset.csv":                                  {1281, "1.6823086974", cur.FormatLegacy},
		"legacy-csv-koku/2023-06-01-not-final.csv":                                                              {3, "30", cur.FormatLegacy},
		"legacy-csv-koku/2023-06-01.csv":                                                                        {3, "30", cur.FormatLegacy},
		"legacy-csv-koku/empty_frame.csv":                                                                       {0, "0", cur.FormatLegacy},
		"legacy-csv-koku/koku-local/20180801-20180901/16e57707-f9e3-49be-8be6-b84e684b5194/koku-local-1.csv.gz": {13380, "143227.76367818761501799105", cur.FormatLegacy},
		"legacy-csv-logzio-2018/test-billing-report-1.csv.gz":                                                   {19412, "218.1678632876", cur.FormatLegacy},
		"legacy-csv-logzio-2018/test-billing-report-1.csv.zip":                                                  {19412, "218.1678632876", cur.FormatLegacy},
		"legacy-parquet-workshop-2018/Nov2018-WorkshopCUR-00001.snappy.parquet":                                 {124340, "3505.3269681268", cur.FormatAthena},
		"legacy-parquet-workshop-2018/Oct2018-WorkshopCUR-00001.snappy.parquet":                                 {119307, "4064.4831315379", cur.FormatAthena},
		"minimal-anonymize/sample-legacy-csv.csv":                                                               {4, "0.0652", cur.FormatLegacy},
		"mock-cur1-keboola/mock-cur-bucket/20240101-20240131/MockTestReport-00001.csv.zip":                      {3, "0.045152", cur.FormatLegacy},
		"focus10-sample/focus_sample.first660.csv":                                                              {660, "11.3249327799", cur.FormatFOCUS},
	}
	root := samples.Path(t)
	seen := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		switch filepath.Ext(path) {
		case ".csv", ".gz", ".zip", ".parquet":
		default:
			return nil
		}
		name, _ := filepath.Rel(root, path)
		name = filepath.ToSlash(name)
		w, report := want[name]
		f, err := cur.Local().Open(t.Context(), path)
		if err != nil {
			return err
		}
		defer f.Close()
		r, err := cur.NewReader(t.Context(), f, nil)
		if !report {
			// Tables of the FOCUS specification show costs without saying of what.
			wantErr := cur.ErrFormat
			if strings.HasPrefix(name, "focus-spec-examples/") {
				wantErr = cur.ErrMissingColumn
			}
			if !errors.Is(err, wantErr) || !strings.Contains(err.Error(), filepath.Base(name)) {
				t.Errorf("%s: %v, want %v naming the file", name, err, wantErr)
			}
			return nil
		}
		seen++
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return nil
		}
		defer r.Close()
		if r.Format() != w.format {
			t.Errorf("%s: %s, want %s", name, r.Format(), w.format)
		}
		rows, controlRows, total, control, _ := totals(roll(t, cur.Rollup{}, path))
		exact, _ := new(big.Rat).SetString(w.total)
		if exact == nil {
			t.Fatalf("%s: %d rows %s", name, rows, total.FloatString(14))
		}
		if rows != w.rows || controlRows != w.rows || total.Cmp(exact) != 0 || control.Cmp(exact) != 0 {
			t.Errorf("%s: %d rows, %s, control %d rows, %s; want %d rows, %s", name, rows, total.FloatString(20), controlRows, control.FloatString(20), w.rows, w.total)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen != len(want) {
		t.Errorf("found %d of the %d reports", seen, len(want))
	}
}

// The manifest beside the CUR 2.0 sample is AWS's own.
func TestManifestOfAWSIsFollowed(t *testing.T) {
	_, err := cur.Locate(context.Background(), cur.Local(), samples.Path(t, "cur2-haportal-2026-04"))
	// The sample holds the first rows of its one file under another name.
	if !errors.Is(err, cur.ErrManifest) || !strings.Contains(err.Error(), "ha-project-CUR-daily-1-00001.csv.gz") {
		t.Errorf("error %v, want ErrManifest naming the data file", err)
	}
}
