package gaps

import (
	"time"
)

// Detector finds gaps. It is a pure function of the view, and reports in any order:
// the result is sorted. Detectors of one's own are given to [Detect] beside
// [Detectors].
type Detector interface {
	// Kinds lists the kinds that the detector may report.
	Kinds() []Kind
	// Needs says whether the view holds what the detector looks at. A detector that
	// does not run is silent, which a report says.
	Needs(v *View) bool
	// Detect reports findings. It must not keep or change the view or its spends.
	Detect(v *View, report func(Finding))
}

// Finding is one spend, or part of it, that is in a gap. Findings of one kind about one
// subject make the gap.
type Finding struct {
	Kind    Kind
	Subject Subject
	// Remedy is required for kinds that this package does not define.
	Remedy Remedy
	// Spend is the usage in the gap; nil for a gap without any, such as a dead claim.
	Spend *Spend
	// On limits the finding to some days of Spend; nil means all.
	On func(day time.Time) bool
	// Why is why it was found, in one sentence without a final stop. Of several
	// findings of a gap, that of the greatest spend is kept.
	Why string
	// Claims and Approval name what to look at: the dead claim, the approval that does
	// not reach.
	Claims   []string
	Approval string
}

// Detectors returns the detectors of this package.
func Detectors() []Detector {
	return []Detector{unownedDetector{}, approvalDetector{}, roleDetector{}, componentDetector{}, ownerDetector{}, estimateDetector{}, deadClaimDetector{}}
}
