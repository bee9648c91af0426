package gaps

import (
	"time"

	"github.com/spendclaim/spendclaim/attribution"
)

// People is a Directory made of what a claims file says, for those who keep no other:
// owners and portfolios of workloads, with people for accounts and a FinOps Lead
// beside them. It knows no time: nobody ever leaves.
type People struct {
	Claims   *attribution.Claims // nil for none
	Accounts map[string]string   // account to owner
	Lead     string
}

var _ Directory = People{}

// WorkloadOwner implements [Directory].
func (p People) WorkloadOwner(w attribution.WorkloadID, _ time.Time) string {
	return p.workload(w).Owner
}

// AccountOwner implements [Directory].
func (p People) AccountOwner(account string, _ time.Time) string { return p.Accounts[account] }

// FinOpsLead implements [Directory].
func (p People) FinOpsLead(time.Time) string { return p.Lead }

// Above implements [Directory]: the portfolio is all there is.
func (p People) Above(w attribution.WorkloadID, _ string, _ time.Time) []string {
	if portfolio := p.workload(w).Portfolio; portfolio != "" {
		return []string{portfolio}
	}
	return nil
}

func (p People) workload(id attribution.WorkloadID) attribution.Workload {
	if p.Claims != nil && id != "" {
		for _, w := range p.Claims.Workloads {
			if w.ID == id {
				return w
			}
		}
	}
	return attribution.Workload{}
}
