package attribution_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/internal/curtest"
)

// BenchmarkAssignBesideRollup measures what assigning costs beside the rollup that
// made the groups, by turns in one run: assigning 100,000 groups to 5,000 claims,
// and rolling up a month of Parquet in which every row is AI spend. The ratio is
// that of months with 50 rows a group; the aim is a fifth at most. Attributing is
// assigning and adding everything up.
func BenchmarkAssignBesideRollup(b *testing.B) {
	rows := int64(200_000)
	if testing.Short() {
		rows = 20_000
	}
	c := curtest.Config{Rows: rows, AIShare: 100, Roles: 40, Resources: 60, Accounts: 4, Sheet: curtest.Sheet{Hourly: true}}
	table, err := c.Table()
	if err != nil {
		b.Fatal(err)
	}
	d := curtest.Delivery{Format: curtest.Parquet}
	w, err := d.Write(filepath.Join(b.TempDir(), "month"), table)
	if err != nil {
		b.Fatal(err)
	}
	sets, err := cur.Locate(b.Context(), cur.Local(), w.Manifest)
	if err != nil {
		b.Fatal(err)
	}
	p, ix := benchBill(b)
	keys := make([]*cur.Key, p.Len())
	for i := range keys {
		keys[i] = p.Key(i)
	}
	var rolling, assigning, attributing time.Duration
	var rolled int64
	for b.Loop() {
		start := time.Now()
		r := cur.Rollup{Where: attribution.DefaultScope().Where()}
		out, err := r.Run(b.Context(), sets[0])
		if err != nil {
			b.Fatal(err)
		}
		rolling += time.Since(start)
		rolled += out[0].Stats.Rows
		start = time.Now()
		as := ix.Assigner()
		for _, k := range keys {
			as.Assign(k)
		}
		assigning += time.Since(start)
		start = time.Now()
		if _, err := attribution.Attribute(b.Context(), p, ix, nil); err != nil {
			b.Fatal(err)
		}
		attributing += time.Since(start)
	}
	perRow := rolling.Seconds() / float64(rolled)
	perGroup := assigning.Seconds() / float64(b.N*len(keys))
	b.ReportMetric(perGroup/(50*perRow), "assign/rollup")
	b.ReportMetric(attributing.Seconds()/float64(b.N*len(keys))/(50*perRow), "attribute/rollup")
	b.ReportMetric(1/perGroup, "groups/s")
	b.ReportMetric(1/perRow, "rows/s")
}
