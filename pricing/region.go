package pricing

import (
	_ "embed" // for the prefix table
	"strings"
)

// prefixTable maps billing prefixes to regions, one per line with the source of
// the line. Prefixes do not follow region codes (APS1 is ap-southeast-1, APS3 is
// ap-south-1, EU is eu-west-1), so nothing here may be computed.
//
//go:embed prefixes.tsv
var prefixTable string

// regionOf returns the region that a billing prefix stands for, or "" if the
// table does not hold it. The table is searched as text: it is small, and so
// the package needs neither an init nor a map that someone could change.
func regionOf(prefix string) string {
	if !prefixShaped(prefix) {
		return ""
	}
	at := strings.Index(prefixTable, "\n"+prefix+"\t")
	if at < 0 {
		return ""
	}
	line := prefixTable[at+len(prefix)+2:]
	region, _, _ := strings.Cut(line, "\t")
	return region
}

// prefixShaped reports whether s is spelled like a billing prefix: two or three
// capitals and a digit, or EU, the oldest one. It bounds what is searched for
// and lets a prefix newer than the table be set aside like a known one.
func prefixShaped(s string) bool {
	if s == "EU" {
		return true
	}
	if len(s) != 3 && len(s) != 4 {
		return false
	}
	for i := range len(s) - 1 {
		if s[i] < 'A' || s[i] > 'Z' {
			return false
		}
	}
	last := s[len(s)-1]
	return '0' <= last && last <= '9'
}

// cutPrefix takes the billing prefix off a usage type. Model products repeat the
// prefix behind "MP:", with an underscore; the outer one decides, and the inner
// one is used where the outer is absent. A prefix that is not in the table is
// taken off and leaves the region blank; so does no prefix at all, although AWS
// prints some us-east-1 meters without one, because a guess would be
// indistinguishable from a fact.
func cutPrefix(usageType string) (region, rest string) {
	rest = usageType
	if head, tail, ok := strings.Cut(rest, "-"); ok && prefixShaped(head) {
		region, rest = regionOf(head), tail
	}
	if dimension, ok := strings.CutPrefix(rest, "MP:"); ok {
		rest = dimension
	}
	if head, tail, ok := strings.Cut(rest, "_"); ok && prefixShaped(head) {
		rest = tail
		if region == "" {
			region = regionOf(head)
		}
	}
	return region, rest
}
