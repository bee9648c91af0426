package governance

// KindAnchor is the kind of anchors, KindWorkload that of workloads.
const (
	KindAnchor   Kind = "anchor"
	KindWorkload Kind = "workload"
)

// anchorPartition spreads anchors over 256 partitions.
func anchorPartition(id string) string { return "gov/anchor/" + id[:min(2, len(id))] }
