// Package months embeds the sample months, so that several examples can show the same
// bill. They are synthetic, see README.md beside this file.
package months

import (
	"embed"
	"time"

	"github.com/spendclaim/spendclaim/attribution"
)

// Files holds a folder for each delivery, and what is beside them.
//
//go:embed 2026-04 2026-05-first 2026-05-second claims.json metrics.csv
var Files embed.FS

// Delivery is one delivery of a month. Embedded files have no times, so when it was
// written stands here.
type Delivery struct {
	Folder string
	AsOf   time.Time
}

// Deliveries returns the deliveries in the order they were written in.
func Deliveries() []Delivery {
	return []Delivery{
		{"2026-04", time.Date(2026, 5, 6, 8, 0, 0, 0, time.UTC)},
		{"2026-05-first", time.Date(2026, 5, 25, 12, 0, 0, 0, time.UTC)},
		{"2026-05-second", time.Date(2026, 5, 27, 12, 0, 0, 0, time.UTC)},
	}
}

// Claims returns the claims of the sample.
func Claims() (*attribution.Claims, error) {
	b, err := Files.ReadFile("claims.json")
	if err != nil {
		return nil, err
	}
	return attribution.ParseClaims("claims.json", b)
}
